//! Carriers that ship to and from our shops' countries. Names follow Shopify's list of carriers that it makes links for
//! (`FulfillmentTrackingInfo.company` in its Admin API); the pages are the carriers' own.

use super::Pattern::{self, Any, Begins, Digits};

/// A carrier.
#[derive(Debug)]
pub(super) struct Carrier {
    /// Its usual name.
    pub(super) name: &'static str,
    /// How it is spelled, without case, blanks and punctuation.
    pub(super) spellings: &'static [&'static str],
    /// What stands before and after the number in the address of its page; none where the number alone finds nothing.
    pub(super) link: Option<(&'static str, &'static str)>,
    /// What its numbers look like.
    pub(super) numbers: Pattern,
}

const fn carrier(
    name: &'static str,
    spellings: &'static [&'static str],
    link: Option<(&'static str, &'static str)>,
    numbers: Pattern,
) -> Carrier {
    Carrier {
        name,
        spellings,
        link,
        numbers,
    }
}

/// All that are known.
pub(super) const CARRIERS: &[Carrier] = &[
    carrier(
        "DHL",
        &[
            "dhl",
            "dhlparcel",
            "dhlpaket",
            "dhlgermany",
            "dhlde",
            "dhluk",
            "敦豪",
        ],
        Some((
            "https://www.dhl.com/global-en/home/tracking.html?submit=1&tracking-id=",
            "",
        )),
        Any,
    ),
    carrier(
        "DHL Express",
        &["dhlexpress", "dhlexp", "dhlworldwide"],
        Some((
            "https://www.dhl.com/global-en/home/tracking/tracking-express.html?submit=1&tracking-id=",
            "",
        )),
        Any,
    ),
    carrier(
        "DHL eCommerce",
        &[
            "dhlecommerce",
            "dhlecommerceasia",
            "dhlecommerceus",
            "dhlglobalmail",
        ],
        Some((
            "https://www.dhl.com/global-en/home/tracking.html?submit=1&tracking-id=",
            "",
        )),
        Any,
    ),
    carrier(
        "Deutsche Post",
        &["deutschepost", "deutschepostde", "deutschepostbrief"],
        Some((
            "https://www.deutschepost.de/de/s/sendungsverfolgung.html?piececode=",
            "",
        )),
        Any,
    ),
    carrier(
        "Hermes",
        &[
            "hermes",
            "hermesde",
            "hermesgermany",
            "hermesworld",
            "myhermes",
        ],
        Some((
            "https://www.myhermes.de/empfangen/sendungsverfolgung/sendungsinformation#",
            "",
        )),
        Any,
    ),
    carrier(
        "Evri",
        &["evri", "hermesuk", "evriuk", "hermesevri"],
        Some(("https://www.evri.com/track/parcel/", "/details")),
        Any,
    ),
    carrier(
        "UPS",
        &["ups", "unitedparcelservice", "upsground", "upsworldship"],
        Some(("https://www.ups.com/track?tracknum=", "")),
        Begins(&["1Z"]),
    ),
    carrier(
        "UPS Mail Innovations",
        &["upsmailinnovations", "upsmi"],
        None,
        Any,
    ),
    carrier(
        "USPS",
        &[
            "usps",
            "unitedstatespostalservice",
            "uspostalservice",
            "uspsfirstclass",
            "uspspriority",
        ],
        Some(("https://tools.usps.com/go/TrackConfirmAction?tLabels=", "")),
        Any,
    ),
    carrier(
        "FedEx",
        &[
            "fedex",
            "fedexground",
            "fedexexpress",
            "federalexpress",
            "fedexhomedelivery",
        ],
        Some(("https://www.fedex.com/fedextrack/?trknbr=", "")),
        Digits(10, 34),
    ),
    carrier(
        "OnTrac",
        &["ontrac", "lasership"],
        Some(("https://www.ontrac.com/tracking/?number=", "")),
        Any,
    ),
    carrier(
        "Amazon Logistics",
        &[
            "amazonlogistics",
            "amazon",
            "amazonlogisticsus",
            "amazonlogisticsuk",
            "amzl",
            "amzlus",
        ],
        Some(("https://track.amazon.com/tracking/", "")),
        Begins(&["TBA"]),
    ),
    carrier(
        "Royal Mail",
        &[
            "royalmail",
            "royalmailuk",
            "royalmailtracked",
            "royalmailtracked24",
            "royalmailtracked48",
            "royalmail1stclass",
            "royalmail2ndclass",
            "royalmailspecialdelivery",
        ],
        Some((
            "https://www.royalmail.com/track-your-item#/tracking-results/",
            "",
        )),
        Any,
    ),
    carrier(
        "Parcelforce",
        &["parcelforce", "parcelforceworldwide"],
        Some(("https://www.parcelforce.com/track-trace?trackNumber=", "")),
        Any,
    ),
    carrier(
        "Yodel",
        &["yodel", "yodeldirect"],
        Some(("https://www.yodel.co.uk/tracking/", "")),
        Any,
    ),
    carrier(
        "DPD",
        &["dpd", "dpdgroup", "dpdde", "dpdgermany"],
        Some(("https://tracking.dpd.de/status/en_US/parcel/", "")),
        Digits(14, 14),
    ),
    carrier(
        "DPD UK",
        &["dpduk", "dpdlocal", "interlink", "interlinkexpress"],
        Some(("https://track.dpd.co.uk/search?reference=", "")),
        Any,
    ),
    carrier(
        "DPD Poland",
        &["dpdpoland", "dpdpl", "dpdpolska"],
        Some(("https://tracktrace.dpd.com.pl/parcelDetails?typ=1&p1=", "")),
        Any,
    ),
    carrier(
        "DPD France",
        &["dpdfrance", "dpdfr"],
        Some(("https://trace.dpd.fr/trace/", "")),
        Any,
    ),
    carrier(
        "GLS",
        &[
            "gls",
            "glseurope",
            "glsde",
            "glsgermany",
            "glsit",
            "glsitaly",
            "glses",
            "glsspain",
            "glsfr",
            "glsfrance",
            "generallogisticssystems",
        ],
        Some(("https://gls-group.com/EU/en/parcel-tracking?match=", "")),
        Any,
    ),
    carrier(
        "La Poste",
        &["laposte", "lapostefrance"],
        Some(("https://www.laposte.fr/outils/suivre-vos-envois?code=", "")),
        Any,
    ),
    carrier(
        "Colissimo",
        &["colissimo", "lapostecolissimo", "colissimolaposte"],
        Some(("https://www.laposte.fr/outils/suivre-vos-envois?code=", "")),
        Any,
    ),
    carrier(
        "Chronopost",
        &["chronopost", "chronopostfrance"],
        Some((
            "https://www.chronopost.fr/tracking-no-cms/suivi-page?listeNumerosLT=",
            "",
        )),
        Any,
    ),
    carrier("Mondial Relay", &["mondialrelay"], None, Any),
    carrier("Colis Privé", &["colisprivé", "colisprive"], None, Any),
    carrier(
        "PostNL",
        &[
            "postnl",
            "postnlnetherlands",
            "postnldomestic",
            "postnlinternational",
        ],
        None,
        Any,
    ),
    carrier(
        "bpost",
        &["bpost", "bpostbelgium"],
        Some((
            "https://track.bpost.cloud/btr/web/#/search?lang=en&itemCode=",
            "",
        )),
        Any,
    ),
    carrier(
        "Poste Italiane",
        &["posteitaliane", "poste", "posteitalianecrono"],
        Some((
            "https://www.poste.it/cerca/index.html#/risultati-spedizioni/",
            "",
        )),
        Any,
    ),
    carrier("SDA", &["sda", "sdaexpresscourier", "sdaitaly"], None, Any),
    carrier(
        "BRT",
        &["brt", "bartolini", "brtbartolini", "brtcorriereespresso"],
        None,
        Any,
    ),
    carrier(
        "Correos",
        &["correos", "correosespana", "correosespaña", "correosspain"],
        Some((
            "https://www.correos.es/es/es/herramientas/localizador/envios/detalle?tracking-number=",
            "",
        )),
        Any,
    ),
    carrier("Correos Express", &["correosexpress"], None, Any),
    carrier(
        "SEUR",
        &["seur"],
        Some((
            "https://www.seur.com/livetracking/?segOnlineIdentificador=",
            "",
        )),
        Any,
    ),
    carrier("MRW", &["mrw"], None, Any),
    carrier(
        "InPost",
        &["inpost", "inpostpaczkomaty", "inpostpoland", "paczkomaty"],
        Some(("https://inpost.pl/sledzenie-przesylek?number=", "")),
        Digits(24, 24),
    ),
    carrier(
        "Poczta Polska",
        &["pocztapolska", "polishpost", "polandpost"],
        Some(("https://emonitoring.poczta-polska.pl/?numer=", "")),
        Any,
    ),
    carrier(
        "Österreichische Post",
        &[
            "österreichischepost",
            "osterreichischepost",
            "austrianpost",
            "postat",
        ],
        Some(("https://www.post.at/sv/sendungsdetails?snr=", "")),
        Any,
    ),
    carrier(
        "Swiss Post",
        &["swisspost", "diepost", "schweizerischepost"],
        Some(("https://service.post.ch/ekp-web/ui/entry/search/", "")),
        Any,
    ),
    carrier(
        "An Post",
        &["anpost"],
        Some((
            "https://www.anpost.com/Post-Parcels/Track/History?item=",
            "",
        )),
        Any,
    ),
    carrier(
        "PostNord",
        &["postnord", "postnordsverige", "postnorddenmark"],
        None,
        Any,
    ),
    carrier(
        "Canada Post",
        &["canadapost", "postescanada"],
        Some((
            "https://www.canadapost-postescanada.ca/track-reperage/en#/details/",
            "",
        )),
        Any,
    ),
    carrier(
        "Australia Post",
        &["australiapost", "auspost"],
        Some(("https://auspost.com.au/mypost/track/#/details/", "")),
        Any,
    ),
    carrier(
        "YunExpress",
        &[
            "yunexpress",
            "yuntu",
            "yuntrack",
            "云途",
            "云途物流",
            "云途国际物流",
        ],
        Some(("https://www.yuntrack.com/parcelTracking?id=", "")),
        Any,
    ),
    carrier(
        "4PX",
        &[
            "4px",
            "4pxexpress",
            "4pxworldwideexpress",
            "递四方",
            "递四方速递",
        ],
        Some(("https://track.4px.com/#/result/0/", "")),
        Any,
    ),
    carrier(
        "Yanwen",
        &[
            "yanwen",
            "yanwenlogistics",
            "yanwenexpress",
            "燕文",
            "燕文物流",
        ],
        Some(("https://track.yw56.com.cn/en/querydel?nums=", "")),
        Any,
    ),
    carrier(
        "Cainiao",
        &[
            "cainiao",
            "cainiaoglobal",
            "aliexpressstandardshipping",
            "菜鸟",
            "菜鸟国际",
        ],
        Some(("https://global.cainiao.com/newDetail.htm?mailNoList=", "")),
        Any,
    ),
    carrier(
        "SF Express",
        &[
            "sfexpress",
            "sf",
            "sfinternational",
            "顺丰",
            "顺丰速运",
            "顺丰国际",
        ],
        Some((
            "https://www.sf-express.com/us/en/dynamic_function/waybill/#search/bill-number/",
            "",
        )),
        Any,
    ),
    carrier(
        "China Post",
        &[
            "chinapost",
            "chinapostregistered",
            "中国邮政",
            "中国邮政小包",
        ],
        None,
        Any,
    ),
    carrier(
        "EMS",
        &["ems", "chinaems", "emschina", "中国邮政速递", "邮政速递"],
        None,
        Any,
    ),
    carrier(
        "ePacket",
        &["epacket", "chinaepacket", "e邮宝", "国际e邮宝"],
        None,
        Any,
    ),
    carrier(
        "J&T Express",
        &["jtexpress", "jt", "jnt", "jntexpress", "极兔", "极兔速递"],
        None,
        Any,
    ),
    carrier("ZTO", &["zto", "ztoexpress", "中通", "中通快递"], None, Any),
    carrier("YTO", &["yto", "ytoexpress", "圆通", "圆通速递"], None, Any),
    carrier("Winit", &["winit", "万邑通"], None, Any),
    carrier("Sunyou", &["sunyou", "顺友", "顺友物流"], None, Any),
    carrier(
        "UBI Smart Parcel",
        &["ubismartparcel", "ubi", "ubilogistics", "利通"],
        None,
        Any,
    ),
    carrier(
        "Asendia",
        &["asendia", "asendiausa", "asendiauk", "asendiahk"],
        Some(("https://tracking.asendia.com/tracking/", "")),
        Any,
    ),
    carrier(
        "TNT",
        &["tnt", "tntexpress"],
        Some((
            "https://www.tnt.com/express/en_gc/site/shipping-tools/tracking.html?searchType=con&cons=",
            "",
        )),
        Any,
    ),
];
