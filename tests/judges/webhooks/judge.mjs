// Asks Shopify's own library, with its node adapter, what it thinks of deliveries, and has node sign their bodies.
//
// stdin:  {"secret": string, "cases": [{"body": base64, "headers": {name: value}}]}
// stdout: [{"valid": bool, "reason": string|null, "fields": object, "node": base64, "library": base64|null}], in the same order
//
// `library` is null where the body is not UTF-8: Shopify's library takes bodies as text.

import { createHmac } from 'node:crypto';
import { text } from 'node:stream/consumers';

import '@shopify/shopify-api/adapters/node';
import { ApiVersion, LogSeverity, shopifyApi } from '@shopify/shopify-api';
import { createSHA256HMAC } from '@shopify/shopify-api/runtime';

const { secret, cases } = JSON.parse(await text(process.stdin));

const shopify = shopifyApi({
  apiKey: 'key',
  apiSecretKey: secret,
  apiVersion: Object.values(ApiVersion).at(-1),
  hostName: 'warmer.example.com',
  isEmbeddedApp: false,
  logger: { level: LogSeverity.Error, log: () => {} },
});

const verdicts = [];
for (const { body, headers } of cases) {
  const bytes = Buffer.from(body, 'base64');
  const rawBody = bytes.toString('utf8');
  const isText = Buffer.from(rawBody, 'utf8').equals(bytes);
  const rawRequest = { method: 'POST', url: '/webhooks/shopify', headers };
  const { valid, reason, ...fields } = await shopify.webhooks.validate({ rawBody, rawRequest });
  verdicts.push({
    valid,
    reason: reason ?? null,
    fields,
    node: createHmac('sha256', secret).update(bytes).digest('base64'),
    library: isText ? await createSHA256HMAC(secret, rawBody) : null,
  });
}
process.stdout.write(JSON.stringify(verdicts));
