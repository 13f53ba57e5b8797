"""Columns that hold identifiers: at least twenty for each class, by content, by name and inside remarks."""

from __future__ import annotations

from evaluations.identifier_corpus import values as v
from evaluations.identifier_corpus.values import Maker

Column = tuple[str, Maker]


def _under(names: str, *makers: Maker) -> list[Column]:
    """Columns of these names, each with the makers in turn."""
    return [(name.strip(), makers[number % len(makers)]) for number, name in enumerate(names.split(","))]


def _inside(*sentences: tuple[str, Maker]) -> list[Column]:
    """Columns of remarks, of which a few hold one of these."""
    names = ("note", "comment", "remarks", "history", "x9", "hpi")
    return [(names[number], v.remarks(v.sentence(*pair))) for number, pair in enumerate(sentences)]


_FULL = tuple(v.faked("name", locale) for locale in ("en_US", "de_DE", "es_MX", "en_GB", "fr_FR"))
_FIRST = tuple(v.faked("first_name", locale) for locale in ("en_US", "fr_FR", "es_ES"))
_LAST = tuple(v.faked("last_name", locale) for locale in ("en_US", "de_DE", "it_IT"))
_PHONES = (
    v.phone("({0}) {1}-{2}"),
    v.phone("{0}-{1}-{2}"),
    v.phone("+1 {0} {1} {2}"),
    v.phone("{0}.{1}.{2}"),
    v.phone("+1-{0}-{1}-{2}"),
)
_DATES = (
    v.moments("%Y-%m-%d"),
    v.moments("%m/%d/%Y"),
    v.moments("%d.%m.%Y"),
    v.moments("%d-%b-%Y"),
    v.moments("%B %d, %Y"),
    v.moments("%Y-%m-%dT%H:%M:%SZ"),
    v.moments("%m/%d/%y"),
)
_RECORDS = (
    v.numbered("{:07d}", 1, 9_999_999),
    v.shaped("MRN-999999"),
    v.shaped("A9999999"),
    v.shaped("99-99-99"),
    v.counting("{}", 100_001),
)
_CODES = (v.shaped("AAA999999999"), v.numbered("{}", 10**8, 10**9), v.shaped("A99-999-999"), v.shaped("9999AA99"))

POSITIVES: dict[str, list[Column]] = {
    "A": [
        *_under(
            "patient_name, full_name, name, Customer Name, provider name, x1, field_7, attending_physician", *_FULL
        ),
        *_under("first_name, FNAME, given name, middle_name, Vorname", *_FIRST),
        *_under("last_name, surname, LNAME, maiden_name", *_LAST),
        *_under("mother_name, next_of_kin, spouse, emergency_contact_name, guardian, guarantor", *_FULL),
        *_under("employer, Employer Name, workplace", v.faked("company")),
        *_inside(
            ("Brought in by wife {}.", v.faked("first_name_female")),
            ("Works at {}.", v.faked("company")),
            ("Discussed with Dr. {}.", v.faked("last_name")),
            ("Daughter {} will call.", v.faked("name_female")),
        ),
    ],
    "B": [
        *_under(
            "zip, ZIP code, postal_code, patient zip",
            v.faked("zipcode"),
            v.numbered("{}", 1001, 99_950),
            v.faked("zipcode_plus4"),
        ),
        *_under("city, town, birthplace, home city", v.faked("city")),
        *_under("county, COUNTY_NAME", v.one_of("Essex County", "Kings County", "Cook County", "Norfolk County")),
        *_under("address, street, home_address, x3, addr 1", v.faked("street_address"), v.faked("address")),
        *_under("lat, longitude, geo_lat", v.decimals(25, 49, 6)),
        *_under("location, x4", lambda rng, n: [f"{a:.5f}, {b:.5f}" for a, b in rng.uniform(30, 49, (n, 2))]),
        *_under(
            "census_tract, fips, block_group",
            v.numbered("{:011d}", 10**9, 56 * 10**9),
            v.numbered("{:05d}", 1001, 56_045),
        ),
        *_under("geohash", v.shaped("9q8yy9999")),
        *_under("postcode, x5", v.faked("postalcode", "en_CA")),
        *_inside(
            ("Lives at {}.", v.faked("street_address")),
            ("Moved to Boston, MA {}.", v.shaped("02199")),
            ("Home zip {}.", v.shaped("94199")),
        ),
    ],
    "C": [
        *_under("dob, admission_date, discharge date, x1, date_of_death, visit, field 3", *_DATES),
        *_under("birth_date, service_dt, onset", *_DATES[2:]),
        *_under("admit_date, ADMITTED, dod", v.excel_serials, v.unix_times, v.moments("%Y%m%d")),
        *_under("x2", v.moments("%Y%m%d")),
        *_under("age, age_at_visit, Age (years)", v.numbered("{}", 20, 104)),
        *_under("age_months", v.numbered("{}", 600, 1200)),
        *_under("age_band", v.one_of("80-84", "85-89", "90-94", "95-99", "20-24", "40-44")),
        *_under("birth_year, yob", v.numbered("{}", 1915, 2005)),
        *_under("birth_month, admission_month, day_of_week", v.numbered("{}", 1, 8)),
        *_inside(
            ("Seen on {}.", v.moments("%m/%d/%Y")),
            ("Surgery {} without events.", v.moments("%B %d, %Y")),
            ("A {}-year-old retired teacher.", v.numbered("{}", 90, 99)),
        ),
    ],
    "D": [
        *_under("phone, x1, home_phone, Mobile, contact, cell phone, TELEPHONE, field_2, work phone, x7", *_PHONES),
        *_under("phone_number, tel, mobile_no, pager", v.phone("{0}{1}{2}"), v.phone("1{0}{1}{2}")),
        *_under("emergency_phone, guarantor phone, employer_phone", *_PHONES[1:]),
        *_inside(
            ("Call {} with results.", v.phone("{0}-{1}-{2}")),
            ("Reach the daughter at ({}.", v.phone("{0}) {1}-{2}")),
            ("Pharmacy phone {}.", v.phone("+1 {0} {1} {2}")),
            ("Mobile {}.", v.phone("{0}.{1}.{2}")),
        ),
    ],
    "E": [
        *_under(
            "fax, fax_number, Office Fax, FAX NO, provider_fax, facsimile, clinic fax, home_fax, fax1, telefax",
            *_PHONES,
        ),
        *_under(
            "pcp_fax, fax_num, referral fax, pharmacy_fax, employer fax, faxnumber", v.phone("{0}{1}{2}"), *_PHONES
        )[:5],
        *_inside(
            ("Fax {}.", v.phone("{0}-{1}-{2}")),
            ("Send to fax number {}.", v.phone("({0}) {1}-{2}")),
            ("Records by fax to {}.", v.phone("{0}.{1}.{2}")),
            ("FAX: {}.", v.phone("{0} {1} {2}")),
            ("facsimile {}.", v.phone("+1 {0} {1} {2}")),
        ),
    ],
    "F": [
        *_under(
            "email, E-mail, contact, x1, mail, patient_email, user, login, work email, spouse_email, field_4, reply_to",
            v.faked("email"),
            v.faked("company_email"),
            v.faked("ascii_free_email", "de_DE"),
        ),
        *_under("username, alt contact, guardian email, employer_mail", v.faked("email", "fr_FR")),
        *_inside(
            ("Write to {}.", v.faked("email")),
            ("Email: {}", v.faked("company_email")),
            ("Portal login {} reset.", v.faked("free_email")),
            ("cc {}", v.faked("email", "es_ES")),
        ),
    ],
    "G": [
        *_under(
            "ssn, SSN, social_security_number, x1, soc sec no, field_3, tax payer id, patient ssn, id2, spouse_ssn",
            v.ssn(),
        ),
        *_under(
            "ssn_raw, SSNumber ssn, social security, ssn9", v.ssn("{:03d}{:02d}{:04d}"), v.ssn("{:03d} {:02d} {:04d}")
        ),
        *_under("ssn_last4, ssn last 4, ssn4", v.shaped("9999"), v.shaped("XXX-XX-9999")),
        *_inside(
            ("SSN {}.", v.ssn()),
            ("Identity {} on the form.", v.ssn()),
            ("Social security no {}.", v.ssn("{:03d}{:02d}{:04d}")),
        ),
    ],
    "H": [
        *_under(
            "mrn, MRN, medical_record_number, chart_no, patient_id, PatientID, hospital number, med rec no, "
            "EMPI, patient no, pat_id, "
            "record_number, chart number, ehr_id, mrn_2, subject_id",
            *_RECORDS,
        ),
        *_inside(
            ("MRN {}.", v.shaped("9999999")),
            ("Medical record number: {}.", v.shaped("A999999")),
            ("See chart no {}.", v.shaped("99999")),
            ("Patient ID {} merged.", v.shaped("P-999999")),
        ),
    ],
    "I": [
        *_under("mbi, x1, medicare_id, field_6, Medicare number", v.mbi, v.dashed_mbi),
        *_under(
            "member_id, subscriber_id, policy_number, beneficiary id, insurance_number, medicaid_id, hicn, "
            "health plan id, Member No, "
            "policyholder id, insured_id, nhs_number, plan_id, coverage id",
            *_CODES,
        ),
        *_inside(
            ("Medicare {} verified.", v.dashed_mbi),
            ("Member ID {}.", v.shaped("AAA999999999")),
            ("Policy number: {}.", v.shaped("999-99-9999A")),
        ),
    ],
    "J": [
        *_under("iban, x1, bank_account, field_2", v.faked("iban", "de_DE"), v.faked("iban", "en_GB")),
        *_under(
            "card_number, x2, pan, credit card, field_3",
            v.card,
            v.amex,
            v.mapped(v.card, lambda t: " ".join((t[:4], t[4:8], t[8:12], t[12:]))),
        ),
        *_under("routing_number, aba", v.aba),
        *_under(
            "account_number, acct_no, account, billing_account_number, loan_no, Account ID, "
            "savings account number, wallet address",
            v.numbered("{}", 10**9, 10**10),
            v.shaped("AC-99999999"),
        ),
        *_inside(
            ("Paid by card {}.", v.card),
            ("Account number {}.", v.numbered("{}", 10**8, 10**9)),
            ("Refund to {}.", v.faked("iban", "de_DE")),
        ),
    ],
    "K": [
        *_under("npi, x1, provider_npi, field_4", v.npi),
        *_under("dea, x2, dea_number", v.dea),
        *_under(
            "license_no, driver_license, drivers, passport, PASSPORT_NO, medical license number, "
            "certificate_number, licence id, badge_no, "
            "state license no, dl number, permit number, nurse_license_no",
            v.shaped("S99999999"),
            v.shaped("A9999999"),
            v.numbered("{}", 10**6, 10**7),
        ),
        *_inside(
            ("Signed, NPI {}.", v.npi),
            ("DEA {} on file.", v.dea),
            ("Driver's license no {}.", v.shaped("S9999999")),
        ),
    ],
    "L": [
        *_under("vin, x1, vehicle_identification_number, field_5, VIN number, car", v.vin),
        *_under(
            "license_plate, plate, plate_number, Number Plate, vehicle plate, car_registration, "
            "licence plate, spouse_plate",
            v.shaped("AAA-9999"),
            v.shaped("9AAA999"),
            v.shaped("AA99 AAA"),
            v.shaped("A-AA 999"),
        ),
        *_under("vehicle_id, chassis_number, engine no", v.shaped("AAA99999999"), v.vin),
        *_inside(
            ("Car with plate {}.", v.shaped("AAA 9999")),
            ("VIN {}.", v.vin),
            ("License plate {} noted.", v.shaped("9AAA999")),
        ),
    ],
    "M": [
        *_under("udi, x1, device_identifier", v.udi),
        *_under("imei, x2, handset", v.imei),
        *_under("mac, x3, mac_address, field_8", v.faked("mac_address")),
        *_under(
            "serial_number, device_serial, implant_serial, pacemaker_serial_no, device_id, pump serial, "
            "meter_no, Serial No",
            v.shaped("SN99999999"),
            v.shaped("AA9999-999"),
            v.numbered("{}", 10**7, 10**8),
        ),
        *_inside(
            ("Implant serial {}.", v.shaped("SN9999999")),
            ("Device {} paired.", v.faked("mac_address")),
            ("Stent {} placed.", v.udi),
        ),
    ],
    "N": [
        *_under(
            "url, website, link, x1, homepage, field_9, profile, page, source, blog, patient_portal, "
            "employer website, web, linkedin, x5",
            v.faked("url"),
            v.faked("uri"),
            v.mapped(v.faked("domain_name"), lambda t: f"www.{t}/p"),
        ),
        *_under("ref", v.mapped(v.faked("url"), lambda t: t + "index.html")),
        *_inside(
            ("See {}.", v.faked("url")),
            ("Blog at {}", v.faked("uri")),
            ("Photos on www.{}.", v.faked("domain_name")),
            ("Profile {}", v.mapped(v.faked("url"), lambda t: t + "u/ann")),
        ),
    ],
    "O": [
        *_under("ip, ip_address, x1, client_ip, host, field_1, last_login_ip, remote addr, source", v.faked("ipv4")),
        *_under("ipv6, x2, visitor ip, session_ip, addr6", v.faked("ipv6")),
        *_under("login_from, gateway", v.faked("ipv4_private")),
        *_inside(
            ("Logged in from {}.", v.faked("ipv4_public")),
            ("Portal session {} closed.", v.faked("ipv6")),
            ("IP {}.", v.faked("ipv4")),
            ("Host {} down", v.faked("ipv4_private")),
        ),
    ],
    "P": [
        *_under(
            "fingerprint, fingerprint_template, iris_code, voiceprint, face_embedding, retina_scan, "
            "palm_print, biometric_id, "
            "voice_recording, facial_template, minutiae, fingerprint_hash, dna_profile",
            v.blobs(),
            v.vectors,
            v.shaped("H" * 64),
        ),
        *_under("face_emb_17, voice_embedding_3, iris vector 8", v.decimals(-1, 1, 6)),
        *_under("voice_sample, fingerprint_file", v.shaped("scans/AA9999.wav"), v.shaped("AA9999.wsq")),
        *_inside(
            ("Fingerprint template {} enrolled.", v.shaped("HHHHHHHHHHHHHHHHHHHHHHHH")),
            ("Voiceprint id {} matched.", v.shaped("VP9999999")),
            ("Iris code: {}.", v.shaped("HHHHHHHHHHHHHHHH")),
        ),
    ],
    "Q": [
        *_under("photo, x1, patient_photo, headshot", v.mapped(v.blobs(), lambda t: f"data:image/jpeg;base64,{t}")),
        *_under("picture, x2, portrait", v.blobs(b"\xff\xd8\xff\xe0"), v.blobs(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")),
        *_under(
            "image, photo_path, avatar, face_image, id_photo, x3, mugshot, profile_pic, selfie, file",
            v.shaped("img/999999.jpg"),
            v.shaped("AA_9999.png"),
            v.shaped("https://example.org/f/9999.jpeg"),
        ),
        *_inside(
            ("Picture stored as faces/{}", v.shaped("999999.jpg")),
            ("Attached {}", v.shaped("scan9999.png")),
            ("Wound photo {} taken.", v.shaped("img_9999.jpg")),
        ),
    ],
    "R": [
        *_under("id, x1, uuid, row key, field_2", v.faked("uuid4")),
        *_under("hash, x2, token", v.shaped("H" * 40)),
        *_under("user_name, login, screen_name", v.faked("user_name")),
        *_under(
            "customer_id, employee_id, encounter_id, claim_id, order_id, accession_no",
            v.counting("{}", 10_000),
            v.shaped("AA-99999999"),
        ),
        *_under("x3, barcode, code", v.shaped("AAA99999"), v.shaped("9999-AAAA")),
        *_under("x4", v.counting("{}")),
        *_inside(
            ("Case no {}.", v.shaped("C999999")),
            ("Reference {} opened.", v.faked("uuid4")),
        ),
    ],
}
"""By letter of the class: name of the column and maker of its cells."""
