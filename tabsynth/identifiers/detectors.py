"""One detector for each kind of identifier: what its cells look like, and what its columns are called.

A detector that knows the form of its cells (a check digit, an e-mail address) needs no name. Where many other things
have the same form (any nine digits, any code), it asks for a telling name, and then for less of the cells. The first
that recognises a column names it, unless a later one is clearly surer. Places, dates and uniqueness are judged in
`column_tests`, because they look at numbers, not at forms.

Decisions
- The detectors of relatives, employers and emergency contacts are those of the person: the class is the same.
"""

from __future__ import annotations

import re

from tabsynth.identifiers import check_digits, forms, recognise
from tabsynth.identifiers.detector import Detector
from tabsynth.identifiers.hipaa import SafeHarborClass as Kind

_KIN = (
    "mother|father|mom|dad|spouse|husband|wife|partner|sibling|brother|sister|son|daughter|child|kin|guardian|"
    "guarantor|"
    "parent|next of kin|nok|relative|emergency contact|caregiver|carer|household member|maiden|dependent|insured|"
    "policy ?holder|subscriber|responsible party|beneficiary"
)
_PEOPLE = (
    "person|patient|customer|client|member|employee|student|subject|participant|user|contact|owner|agent|"
    "artist|author|"
    "physician|doctor|nurse|clinician|practitioner|surgeon|provider|prescriber|applicant|manager|teacher|"
    "player|donor|"
    f"holder|cardholder|account ?holder|witness|victim|suspect|officer|attending|referring|{_KIN}"
)
_NO = "(?:no|nr|num|number|id|code|ref|identifier|key)"

DETECTORS: tuple[Detector, ...] = (
    Detector(
        "biometric",
        Kind.BIOMETRIC,
        "biometric templates or recordings",
        names=r"\b(?:finger ?print\w*|biometrics?|iris|retinal?|voice ?(?:sample|recording)|palm vein|minutiae|"
        r"(?:face|facial|voice|speaker|iris|retinal?|finger|palm|vein|gait|ear|hand) ?(?:emb\w*|templates?|"
        r"vectors?|encodings?|"
        r"prints?|features?|codes?|hash|id|geometry|scans?)|voiceprint\w*|dna (?:profile|fingerprint)|"
        r"str profile|keystroke|"
        r"signature (?:image|template)|typing)\b",
        named_form=forms.is_number_or_template,
        named=0.8,
        decimals=True,
    ),
    Detector(
        "photo",
        Kind.PHOTOGRAPH,
        "photographs or paths to them",
        forms.is_image_file,
        names=r"\b(?:photos?|photographs?|pictures?|portraits?|head ?shots?|mug ?shots?|selfies?|avatars?|"
        r"(?:face|facial|patient|id|passport|profile) (?:image|img|pic|scan)|images?|img|dicom)\b",
        named_form=lambda text: forms.is_image_file(text) or forms.is_template(text) or recognise.is_url(text),
        numbers=False,
        codes_too=True,
    ),
    Detector("email", Kind.EMAIL, "e-mail addresses", recognise.is_email, sure=0.99, alone=0.5, codes_too=True),
    Detector(
        "url",
        Kind.URL,
        "web addresses",
        recognise.is_url,
        sure=0.97,
        alone=0.5,
        names=r"\b(?:url|uri|link|website|homepage|web ?site|web|domain|page|profile|blog|linkedin|facebook|"
        r"twitter)\b",
        named_form=lambda text: recognise.is_url(text) or forms.is_host(text),
        numbers=False,
        codes_too=True,
    ),
    Detector("mac", Kind.DEVICE, "MAC addresses", recognise.is_mac, sure=0.98, codes_too=True),
    Detector("ip", Kind.IP_ADDRESS, "IP addresses", recognise.is_ip, sure=0.97, codes_too=True),
    Detector("iban", Kind.ACCOUNT, "IBANs", recognise.is_iban, sure=0.99, alone=0.6, codes_too=True),
    Detector(
        "fax",
        Kind.FAX,
        "fax numbers",
        names=r"\b(?:fax|facsimile|telefax|telecopier|fax ?(?:no|nr|num|number|phone))\b",
        named_form=forms.is_phone_under_its_name,
        named_sure=0.97,
        codes_too=True,
    ),
    Detector(
        "phone",
        Kind.TELEPHONE,
        "telephone numbers",
        forms.is_phone,
        names=r"\b(?:phones?|phone ?(?:no|nr|num|number)|\w+phone|telephones?|tel|tele|mobile|cell|cellular|"
        r"fon|telefono?|"
        r"handy|pager|beeper|landline|msisdn|whatsapp|sms|call ?back|contact (?:no|num|number))\b",
        named_form=forms.is_phone_under_its_name,
        codes_too=True,
    ),
    Detector(
        "ssn",
        Kind.SSN,
        "social security numbers",
        forms.is_ssn,
        sure=0.97,
        names=r"\b(?:ssn\w*|ss (?:no|num|number)|social|social ?security\w*|soc sec\w*|itin|tin|"
        r"tax ?payer (?:id|no|number))\b",
        named_form=forms.is_ssn_under_its_name,
        codes_too=True,
    ),
    Detector(
        "npi",
        Kind.LICENCE,
        "provider numbers (NPI) with right check digits",
        check_digits.is_npi,
        sure=0.95,
        alone=0.9,
        names=r"\bnpi\b",
        named_form=lambda text: text.isdigit() and len(text) == 10,
        codes_too=True,
    ),
    Detector(
        "dea",
        Kind.LICENCE,
        "DEA numbers with right check digits",
        check_digits.is_dea,
        sure=0.97,
        names=r"\bdea\b",
        named_form=lambda text: re.fullmatch(r"[A-Za-z][A-Za-z9]\d{7}", text) is not None,
        codes_too=True,
    ),
    Detector(
        "mbi",
        Kind.HEALTH_PLAN,
        "Medicare beneficiary identifiers",
        check_digits.is_mbi,
        sure=0.98,
        numbers=False,
        codes_too=True,
    ),
    Detector(
        "vin",
        Kind.VEHICLE,
        "vehicle identification numbers",
        check_digits.is_vin,
        sure=0.97,
        names=r"\b(?:vin|vin ?(?:no|num|number)|chassis(?: (?:no|num|number))?|vehicle (?:id|no|number|"
        r"identification\w*)|"
        r"hull (?:id|no|number)|engine (?:no|number))\b",
        named_form=lambda text: check_digits.is_vin_form(text) or forms.is_code(text),
        codes_too=True,
    ),
    Detector(
        "plate",
        Kind.VEHICLE,
        "number plates",
        names=r"^(?:\w+ )?plates?$|\b(?:licen[cs]e ?plates?|number ?plates?|plate (?:no|nr|num|number)|"
        r"registration (?:mark|plate)|"
        r"car (?:registration|tag|plate)|vehicle (?:registration|tag|plate)|reg ?plate|kennzeichen|tag (?:no|"
        r"number))\b",
        named_form=forms.is_plate,
        codes_too=True,
    ),
    Detector(
        "imei",
        Kind.DEVICE,
        "IMEIs with right check digits",
        forms.is_imei_alone,
        sure=0.95,
        names=r"\b(?:imei|meid)\b",
        named_form=lambda text: check_digits.is_imei(text) or re.fullmatch(r"[0-9A-Fa-f]{14,16}", text) is not None,
        codes_too=True,
    ),
    Detector(
        "udi",
        Kind.DEVICE,
        "unique device identifiers (GS1)",
        check_digits.is_udi,
        sure=0.98,
        names=r"\b(?:udi|udi ?(?:di|pi)|(?:unique )?device identifier)\b",
        named_form=lambda text: len(text) >= 8 and sum(c.isdigit() for c in text) >= 6,
        codes_too=True,
    ),
    Detector(
        "card",
        Kind.ACCOUNT,
        "payment card numbers with right check digits",
        forms.is_card,
        sure=0.97,
        names=r"\b(?:card|pan|cc|credit|debit|cardno|cardnum\w*|cc ?num\w*)\b",
        named_form=lambda text: (
            forms.is_card(text)
            or forms.CARD_MASK.fullmatch(text) is not None
            or re.fullmatch(r"\d{13,19}", re.sub(r"[ -]", "", text)) is not None
        ),
        codes_too=True,
    ),
    Detector(
        "aba",
        Kind.ACCOUNT,
        "bank routing numbers with right check digits",
        names=r"\b(?:aba|routing|rtn|transit|sort ?code|bank code|bic|swift)\b",
        named_form=lambda text: (
            check_digits.is_aba(text)
            or re.fullmatch(r"\d{2}-?\d{2}-?\d{2}|[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?", text) is not None
            or (text.isdigit() and len(text) in (8, 9))
        ),
        codes_too=True,
    ),
    Detector(
        "account",
        Kind.ACCOUNT,
        "account numbers",
        names=rf"\b(?:(?:account|acct|acc|bank|checking|savings|loan|mortgage|iban|billing|deposit|brokerage|"
        rf"credit ?card|customer account) (?:{_NO})|account|acct|acctno|acctnum\w*|acct ?id|account(?:no|id|"
        rf"number|num)|iban|bban|"
        r"crypto wallet|wallet(?: address)?|paypal|venmo|nameorig|namedest)\b",
        named_form=forms.is_code,
        named_sure=0.85,
    ),
    Detector(
        "mrn",
        Kind.MEDICAL_RECORD,
        "medical record numbers",
        names=rf"\b(?:mrns?|medical ?record(?: {_NO})?|(?:med )?rec(?:ord)? {_NO}|chart(?: {_NO})?|"
        rf"patient ?{_NO}|pat ?{_NO}|"
        r"patientid|patid|patno|subject id|hospital (?:no|nr|num|number)|emr ?(?:id|no|number)?|ehr (?:id|no|"
        r"number)|empi|mpi|"
        rf"fall ?nummer|health record(?: {_NO})?|epic id|cerner id|hadm id)\b|^(?:pid|patient)$",
        named_form=forms.is_code,
        named_sure=0.9,
        codes_too=False,
    ),
    Detector(
        "health-plan",
        Kind.HEALTH_PLAN,
        "health plan numbers",
        names=rf"\b(?:(?:member|subscriber|beneficiary|insurance|insured|health ?plan|plan|medicare|medicaid|"
        rf"nhs|payer member|"
        rf"policy|policy ?holder|enrollee|coverage|hicn|claimant|cardholder|insurer|group policy|hmo|"
        rf"ppo) {_NO}|hicn|mbi|memberid|"
        r"subscriberid|policy(?:no|num|number)|nhs|bene id|beneid|health card(?: (?:no|number))?|"
        r"krankenversicher\w*)\b",
        named_form=forms.is_code,
        named_sure=0.9,
    ),
    Detector(
        "licence",
        Kind.LICENCE,
        "licence, certificate or passport numbers",
        names=rf"\b(?:(?:licen[cs]e|certificate|certification|cert|passport|permit|diploma|badge|registration|"
        rf"bar|visa|"
        rf"green card|credential|medical licen[cs]e|pilot|military|professional|state licen[cs]e|national|"
        rf"voter) (?:{_NO})|"
        r"passports?|drivers? ?licen[cs]es?|driving ?licen[cs]es?|drivers|dl (?:no|num|number)|"
        r"licen[cs]e(?: \d)?|upin|"
        r"national id|passportno|licen[cs]eno|gmc (?:no|number)|birth certificate)\b",
        named_form=forms.is_code,
        named_sure=0.9,
        codes_too=False,
    ),
    Detector(
        "device-serial",
        Kind.DEVICE,
        "serial numbers of devices",
        names=rf"\b(?:(?:serial|device|implant|pacemaker|meter|pump|equipment|instrument|udi|imsi|iccid|sim|"
        rf"handset|sensor|"
        rf"scanner|monitor|machine|stent|lot|hardware|asset) (?:{_NO}|serial|uid)|serial|serials|serialno|"
        rf"deviceid|udi|imsi|iccid|"
        r"(?:android|advertising|apple|gaid|idfa) ?id|idfa|udid|device(?: uid)?|mac(?: address)?)\b",
        named_form=forms.is_code,
        named_sure=0.9,
    ),
    Detector(
        "employer",
        Kind.NAME,
        "names of employers",
        names=r"\b(?:employers?|work ?place|place of work|employed (?:by|at)|works (?:at|for)|"
        r"company (?:of )?employment|"
        r"employer name|arbeitgeber)\b(?! (?:id|no|number|code|city|state|zip|phone|address|size))",
        named_form=forms.is_words,
        named_sure=0.85,
        codes_too=True,
        numbers=False,
    ),
    Detector(
        "first-name",
        Kind.NAME,
        "first names",
        names=r"\b(?:(?:first|given|middle|fore|preferred|christian) ?names?|name (?:first|middle|given)|"
        r"fname|vorname|prenom|"
        r"nombre|nick ?name)\b|^(?:first|middle|given|fore)$",
        named_form=recognise.is_given_name,
        familiar=recognise.is_known_first_name,
        familiar_share=0.1,
        codes_too=True,
        numbers=False,
    ),
    Detector(
        "last-name",
        Kind.NAME,
        "family names",
        names=r"\b(?:(?:last|family|sur|maiden|birth) ?names?|name (?:last|family)|lname|nachname|apellidos?|"
        r"maiden|"
        r"nom de famille)\b|^(?:last|surname)$",
        named_form=recognise.is_family_name,
        familiar=recognise.is_known_last_name,
        familiar_share=0.05,
        codes_too=True,
        numbers=False,
    ),
    Detector(
        "name",
        Kind.NAME,
        "names of people",
        recognise.is_full_name,
        sure=0.9,
        alone=0.7,
        names=rf"^names?$|\b(?:full ?name|legal ?name|display ?name|alias|"
        rf"({_PEOPLE})(?: display)? (?:full )?names?|"
        rf"(?:{_PEOPLE}) (?:first|last)|name (?:of )?(?:the )?({_PEOPLE}))\b|^(?:primary |emergency |"
        rf"attending |referring )?"
        rf"({_PEOPLE})s?(?: [12])?$",
        named_form=lambda text: recognise.is_full_name(text) or recognise.is_given_name(text),
        familiar=lambda text: recognise.holds_known_name(text) or recognise.is_known_first_name(text),
        familiar_share=0.2,
        codes_too=True,
        numbers=False,
    ),
    Detector(
        "address",
        Kind.GEOGRAPHY,
        "postal addresses",
        recognise.is_street_address,
        sure=0.93,
        alone=0.6,
        names=r"(?<!wallet )(?<!ip )(?<!mac )(?<!email )(?<!mail )(?<!web )\b(?:address\w*|addr|street\w*|"
        r"residence|adresse|anschrift|strasse|direccion|indirizzo|"
        r"domicil\w*|apt|apartment|"
        r"house (?:no|number|nr))\b",
        named_form=recognise.is_address_like,
        numbers=False,
    ),
)
"""In the order in which they are asked."""

UNIQUE_CODES: tuple[Detector, ...] = (
    Detector("uuid", Kind.OTHER, "UUIDs", recognise.is_uuid, sure=0.95, numbers=False, codes_too=True),
    Detector("hash", Kind.OTHER, "hashes", recognise.is_hash, sure=0.9, numbers=False),
    Detector(
        "user-name",
        Kind.OTHER,
        "user names",
        names=r"\b(?:user ?names?|log ?ins?|log ?in ?names?|screen ?names?|handle|handles|account name)\b",
        named_form=recognise.is_user_name,
        named_sure=0.85,
    ),
)
"""Codes that say by their form that they stand for one person or thing."""
