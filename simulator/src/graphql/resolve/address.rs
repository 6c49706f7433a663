//! `MailingAddress`.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo, ResolvedValue};

use super::{Resolved, text, text_or_null};
use crate::model::{Address, gid};

#[derive(Clone, Copy)]
pub(super) struct AddressNode<'a> {
    pub(super) order: u64,
    pub(super) address: &'a Address,
}

impl ObjectValue for AddressNode<'_> {
    fn type_name(&self) -> &'static str {
        "MailingAddress"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let address = self.address;
        Ok(match info.field_name() {
            "id" => ResolvedValue::leaf(gid("MailingAddress", self.order)),
            "name" => ResolvedValue::leaf(address.name()),
            "firstName" => text(&address.first_name),
            "lastName" => text(&address.last_name),
            "company" => text_or_null(address.company.as_deref()),
            "address1" => text(&address.address1),
            "address2" => text_or_null(address.address2.as_deref()),
            "city" => text(&address.city),
            "province" => text_or_null(address.province.as_deref()),
            "provinceCode" => text_or_null(address.province_code.as_deref()),
            "country" => text(&address.country),
            "countryCodeV2" => text(&address.country_code),
            "zip" => text(&address.zip),
            "phone" => text_or_null(address.phone.as_deref()),
            _ => return Err(self.unknown_field_error(info)),
        })
    }
}
