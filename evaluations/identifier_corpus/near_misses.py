"""Columns that look like identifiers of a class and are none: at least twenty for each class.

A third entry names other classes that may be found all the same, because the column is really one of them: an accession
number is no medical record number, but it is a unique code.
"""

from __future__ import annotations

from evaluations.identifier_corpus import values as v
from evaluations.identifier_corpus.values import Maker

Column = tuple[str, Maker, str]


def _under(names: str, *makers: Maker, also: str = "") -> list[Column]:
    return [(name.strip(), makers[number % len(makers)], also) for number, name in enumerate(names.split(","))]


_ICD = v.shaped("A19", "A19.9", "A19.99")
_CPT = v.shaped("99219", "71949", "80059")
_NDC = v.shaped("11999-999-99", "19999-9999-9", "1999-9999-99")
_LOINC = v.shaped("1999-9", "19999-9", "999-9")
_YESNO = v.one_of("Yes", "No")
_YEARS = v.numbered("{}", 1995, 2025)
_AMOUNT = v.decimals(1, 9_000, 2)
_PRODUCTS = v.one_of(
    "Party Bunting", "Lunch Bag", "Jumbo Bag Red", "Paper Chain Kit", "Regency Cakestand", "Spotty Mug"
)
_DRUGS = v.one_of("Metformin", "Lisinopril", "Atorvastatin", "Amoxicillin", "Insulin Glargine", "Warfarin Sodium")
_DIAGNOSES = v.one_of(
    "Essential hypertension", "Type 2 diabetes", "Acute bronchitis", "Chronic sinusitis", "Viral sinusitis"
)
_LAB = v.one_of("Potassium", "Hemoglobin A1c", "Creatinine", "Glucose", "Sodium")
_RATIOS = v.one_of("120/80", "130/85", "110/70", "140/90", "125/82")
_COUNT = v.numbered("{}", 0, 30)
_VERSIONS = v.shaped("1.9.9", "9.19.9", "1.1.19")

NEAR_MISSES: dict[str, list[Column]] = {
    "A": [
        *_under("product_name, item, description", _PRODUCTS),
        *_under("drug_name, medication, generic name", _DRUGS),
        *_under("diagnosis, condition_name, problem", _DIAGNOSES),
        *_under("test_name, analyte", _LAB),
        *_under("file_name", v.one_of("report_a.csv", "report_b.csv", "summary.csv")),
        *_under("patient_type, customer segment, member status", v.one_of("Inpatient", "Outpatient", "Emergency")),
        *_under("employer_type, name_verified, has_guardian", _YESNO),
        *_under("month", v.one_of("April", "May", "June", "August"), also="C"),
        *_under(
            "department, hospital_service",
            v.one_of("Internal Medicine", "Egyptian Art", "Musical Instruments", "Radiology"),
        ),
        *_under("variable_name", v.one_of("heart rate", "systolic pressure", "body weight")),
        *_under("country", v.one_of("United States", "New Zealand", "South Africa", "United Kingdom")),
        *_under("race", v.one_of("White", "Black", "Asian", "Native American")),
    ],
    "B": [
        *_under("state, STATE", v.one_of("MA", "NY", "CA", "TX")),
        *_under("state_name, region", v.one_of("Massachusetts", "New York", "Texas")),
        *_under("country, nation", v.one_of("US", "FR", "DE")),
        *_under("year, model year, start_year", _YEARS),
        *_under("cpt_code, procedure_code", _CPT),
        *_under("x1, amount_cents, units", v.numbered("{}", 10_000, 99_999)),
        *_under("zip3", v.one_of("021", "100", "941", "606")),
        *_under("latency, temperature, ratio", v.decimals(20, 50, 3)),
        *_under("state_fips", v.numbered("{}", 1, 57)),
        *_under("house_size, address_type, city_known", _YESNO),
        *_under("platelet_count", v.numbered("{}", 100, 500)),
        *_under("dose", v.one_of("12 mg daily", "5 ml twice", "20 units nightly")),
        *_under("icd10", _ICD, also="R"),
    ],
    "C": [
        *_under("year, admission_year, x1", _YEARS),
        *_under("length_of_stay, days_in_icu, age_at_menarche, hours", v.numbered("{}", 1, 40)),
        *_under("age, age_years", v.numbered("{}", 18, 90)),
        *_under("age_months", v.numbered("{}", 1, 200)),
        *_under("age_group", v.one_of("18-34", "35-49", "50-64", "65-89", "90+")),
        *_under("blood_pressure, ratio", _RATIOS),
        *_under("version, build", _VERSIONS, also="R"),
        *_under("score, result", v.one_of("3-2", "1-0", "2-2", "4-1")),
        *_under("loinc, code", _LOINC, also="R"),
        *_under("ndc, package", _NDC, also="R"),
        *_under("page, stage", v.numbered("{}", 1, 13)),
        *_under("birth_weight", v.numbered("{}", 1_800, 4_500)),
        *_under("birth_year", v.numbered("{}", 1940, 2015)),
        *_under("cas_number", v.shaped("1999-19-9", "199-99-9"), also="R"),
    ],
    "D": [
        *_under("ndc, ndc_code, x1, drug code", _NDC, also="R"),
        *_under("isbn, x2", v.shaped("978-1-99-999999-9"), also="R"),
        *_under("loinc", _LOINC, also="R"),
        *_under("amount, revenue", v.numbered("{}", 10**9, 9 * 10**9)),
        *_under("x3", v.numbered("{}", 10**9, 9 * 10**9), also="R"),
        *_under("phone_type, has_phone, PhoneService, cell_count, mobile_plan type", _YESNO),
        *_under("date, visit_date", v.moments("%Y-%m-%d"), also="C"),
        *_under("zip4", v.faked("zipcode_plus4"), also="BR"),
        *_under("cas", v.shaped("1999-19-9"), also="R"),
        *_under("coordinates", lambda rng, n: [f"{a:.4f}, {b:.4f}" for a, b in rng.uniform(40, 55, (n, 2))], also="B"),
        *_under("version", _VERSIONS, also="R"),
        *_under("account", v.shaped("999-9999999-9"), also="JR"),
        *_under("part_no", v.shaped("AA-999-9999"), also="R"),
    ],
    "E": [
        *_under("phone, home_phone, x1, mobile, pager", v.phone("{0}-{1}-{2}"), also="D"),
        *_under("fax_consent, has_fax, fax_type, prefers_fax available", _YESNO),
        *_under("fax_count, fax pages count", _COUNT),
        *_under("ndc, item", _NDC, also="R"),
        *_under("facs_score, fact, faction", v.one_of("low", "middle", "high")),
        *_under("relaxation, tax, wax_level", _AMOUNT),
        ("note", v.remarks(v.sentence("Call {}.", v.phone("{0}-{1}-{2}"))), "DR"),
    ],
    "F": [
        *_under("email_consent, has_email, email_verified, email_status", _YESNO),
        *_under("email_count, mails sent count", _COUNT),
        *_under("handle, twitter", v.mapped(v.faked("user_name"), lambda t: "@" + t), also="RN"),
        *_under("unit_price", v.one_of("5 @ 1.20", "3 @ 2.40", "10 @ 0.80")),
        *_under("email_domain", v.one_of("gmail.com", "example.org", "web.de"), also="N"),
        *_under("formula, dose", v.one_of("2x@night", "1x@noon")),
        *_under("url", v.faked("url"), also="N"),
        *_under("icd, loinc, ndc, cpt", _ICD, _LOINC, _NDC, _CPT, also="R"),
        *_under("mail_class, mail_route", v.one_of("first", "bulk", "parcel")),
        ("note", v.remarks(), "R"),
        ("comment", v.remarks(), "R"),
        ("at", v.one_of("rest @ home", "work @ site"), ""),
    ],
    "G": [
        *_under("x1, part, ref no", v.shaped("999-999-999"), also="RIH"),
        *_under("ndc, x2", _NDC, also="R"),
        *_under("date, visit_date, x3", v.moments("%d-%m-%Y"), also="C"),
        *_under("ein, tax_id employer", v.shaped("99-9999999"), also="R"),
        *_under("zip4", v.faked("zipcode_plus4"), also="BR"),
        *_under("ssn_verified, has_ssn, ssn_status", _YESNO),
        *_under("amount, population, x5", v.numbered("{}", 10**8, 10**9), also="R"),
        *_under("phone", v.phone("{0}-{1}-{2}"), also="D"),
        *_under("cas, loinc", v.shaped("1999-19-9"), _LOINC, also="R"),
        *_under("social_score, social class", v.numbered("{}", 1, 100)),
        *_under("routing_number", v.aba, also="J"),
    ],
    "H": [
        *_under(
            "accession_no, accession, specimen_id, lab_order_id, sample id",
            v.shaped("L99-999999", "S99999999"),
            also="R",
        ),
        *_under("encounter_id, visit_id, claim_id, order_number, invoice_no", v.counting("{}", 10_000), also="R"),
        *_under("patient_type, patient_count, chart_type, record_type", v.one_of("new", "old", "transfer")),
        *_under("patient_weight, patient_height, record_length", v.decimals(40, 120, 1)),
        *_under("icd10, cpt, ndc, loinc", _ICD, _CPT, _NDC, _LOINC, also="R"),
        *_under("ward_no, bed_no", v.numbered("{}", 1, 30)),
    ],
    "I": [
        *_under("plan_type, insurance_type, policy_type, member_status", v.one_of("HMO", "PPO", "EPO")),
        *_under("plan_name, payer", v.one_of("Gold Select", "Silver Basic", "Medicare", "Medicaid")),
        *_under("policy_year, coverage year", _YEARS),
        *_under("member_count, policy_count, premium", v.numbered("{}", 1, 900)),
        *_under("member_months", v.numbered("{}", 1, 13)),
        *_under("mrn, patient_id", v.numbered("{:07d}", 1, 9_999_999), also="H"),
        *_under("x1, item code", v.shaped("9AA99AA9999"), also="R"),
        *_under("icd10, cpt, loinc, ndc", _ICD, _CPT, _LOINC, _NDC, also="R"),
        *_under("group_size, medicare_rate", _AMOUNT),
        *_under("accession_no", v.shaped("L99-999999"), also="R"),
    ],
    "J": [
        *_under("x1, txn ref", v.with_luhn(("4", "51"), 16, right=False), also="R"),
        *_under("account_type, card_type, bank_type, account_status", v.one_of("checking", "savings", "loan")),
        *_under("account_balance, balance, credit_limit", _AMOUNT),
        *_under("card_count, num_accounts", _COUNT),
        *_under("card_brand", v.one_of("Visa", "Mastercard", "Amex")),
        *_under("isbn, ean", v.shaped("9781999999999"), also="R"),
        *_under("tracking", v.shaped("9499 9999 9999 9999 9999 99"), also="R"),
        *_under("x2", v.shaped("DE99AAAA99AA"), also="R"),
        *_under("imei", v.imei, also="M"),
        *_under("order_id, invoice_no", v.counting("{}", 100_000), also="R"),
        *_under("discard, accounting_score", v.numbered("{}", 1, 100)),
        *_under("icd10", _ICD, also="R"),
    ],
    "K": [
        *_under("license_type, licensed_since year, certificate_count", v.one_of("RN", "MD", "DO")),
        *_under("x1, phone_raw", v.with_luhn(("1", "2"), 10, right=False, hidden="80840"), also="DR"),
        *_under("amount", v.numbered("{}", 3 * 10**9, 9 * 10**9)),
        *_under("x2", v.numbered("{}", 3 * 10**9, 9 * 10**9), also="R"),
        *_under("lab_code, x3, order", v.shaped("AA9999"), also="R"),
        *_under("icd10, dx, cpt, ndc, loinc", _ICD, _ICD, _CPT, _NDC, _LOINC, also="R"),
        *_under("passport_valid, has_license, drivers_count", _YESNO),
        *_under("idea, ideal_weight, npi_share pct", v.numbered("{}", 1, 100)),
        *_under("flight", v.shaped("AA999", "BA1999"), also="R"),
        *_under("price_driver, cost driver", v.one_of("volume", "mix", "price")),
    ],
    "L": [
        *_under("icd10, diagnosis_code, dx1, icd, ICD-10-CM, x1", _ICD, also="R"),
        *_under("flight_no, flight", v.shaped("AA999", "BA1999"), also="R"),
        *_under("course, room", v.one_of("BIO 101", "CHM 202", "PHY 110")),
        *_under("plate_count, platelets, plate_well, template", v.numbered("{}", 100, 450)),
        *_under("vehicle_type, vehicle_year, vin_checked", v.one_of("car", "truck", "bus")),
        *_under("x2, serial", v.shaped("AAAAAA99999999999"), also="RM"),
        *_under("stock_code, sku", v.shaped("89999A", "89999"), also="R"),
        *_under("drug_strength", v.one_of("500 MG", "250 MG", "10 ML")),
    ],
    "M": [
        *_under("device_type, device_name, device_count, device_status", v.one_of("Pacemaker", "Stent", "Pump")),
        *_under("x1, card", v.with_luhn(("35", "86"), 15, right=False), also="RJ"),
        *_under("time, start", v.shaped("19:09:09"), also="R"),
        *_under("mac_score, machine_hours, serial_dilution", v.numbered("{}", 1, 100)),
        *_under("ndc, loinc, icd10, cpt", _NDC, _LOINC, _ICD, _CPT, also="R"),
        *_under("sku, item code", v.shaped("89999A"), also="R"),
        *_under("meter_reading, monitor_hours", _AMOUNT),
        *_under("gtin", v.shaped("09999999999999"), also="R"),
        *_under("order_no", v.counting("{}", 5_000), also="R"),
        *_under("manufacturer, model", v.one_of("Acme", "Globex", "Initech")),
        *_under("ratio", v.one_of("12:30", "1:2", "3:4")),
    ],
    "N": [
        *_under("email", v.faked("email"), also="F"),
        *_under("file, path", v.one_of("data/a.csv", "data/b.csv", "logs/c.txt")),
        *_under("version, x1, release", _VERSIONS, also="R"),
        *_under("link_count, url_length, page_views, page count", v.numbered("{}", 1, 500)),
        *_under("web_user, has_website, link type", _YESNO),
        *_under("abbreviation, unit", v.one_of("i.e.", "e.g.", "mg/dl", "km/h")),
        *_under("blood_pressure, ratio", _RATIOS),
        *_under("diagnosis, drug_name, test", _DIAGNOSES, _DRUGS, _LAB),
        *_under("protocol", v.one_of("http", "https", "ftp")),
        *_under("class", v.one_of("java.lang.String", "java.util.List")),
        ("note", v.remarks(), "R"),
    ],
    "O": [
        *_under("version, x1, build, firmware", _VERSIONS, also="R"),
        *_under("x2", v.shaped("1.99.199"), also="R"),
        *_under("section", v.shaped("1.1.1.1.1"), also="R"),
        *_under("oid, x3", v.shaped("1.9.840.19999.1.1"), also="R"),
        *_under("time, duration, x4", v.shaped("19:09:09"), also="R"),
        *_under("mac", v.faked("mac_address"), also="M"),
        *_under("ip_score, shipping, hip_ratio", v.decimals(0, 1, 3)),
        *_under("ip_count, has_ip, host_type", v.one_of("a", "b")),
        *_under("amount", v.one_of("1.200.300", "4.500.100", "2.100.000")),
        *_under("date", v.moments("%d.%m.%Y"), also="C"),
        *_under("large_ip, x5", v.shaped("399.999.999.999"), also="R"),
    ],
    "P": [
        *_under("species, iris_species", v.one_of("setosa", "versicolor", "virginica")),
        *_under("petal_width, sepal_length", v.decimals(0, 7, 1)),
        *_under("face_value, facial_pain_score, voice_plan, VoiceService", v.numbered("{}", 0, 10)),
        *_under("fingerprint_consent, biometric_consent, has_voiceprint", _YESNO),
        *_under("finger_count, finger_length", v.numbered("{}", 1, 11)),
        *_under("gait_speed_score, gait_type", v.one_of("normal", "slow", "fast")),
        *_under("vein, retina_status", v.one_of("clear", "lesion")),
        *_under("embedding_cost, hash_rate", _AMOUNT),
        *_under("token", v.shaped("H" * 64), also="R"),
        *_under("dna_index_score, interface, surface", v.one_of("USB", "HDMI", "VGA")),
    ],
    "Q": [
        *_under("photo_consent, has_photo, photo_status", _YESNO),
        *_under("image_count, photo_count, n_images, picture_size", v.numbered("{}", 0, 40)),
        *_under("image_type, photo_format", v.one_of("jpeg", "png", "tiff")),
        *_under("file, report", v.one_of("a.pdf", "b.csv", "c.docx")),
        *_under("imaging_code, img_modality", v.one_of("CT", "MR", "XR")),
        *_under("portrait_rate, image_quality score", v.decimals(0, 1, 2)),
        *_under("token, signature", v.blobs(), also="R"),
        *_under("url", v.faked("url"), also="N"),
        *_under("photosensitivity, photophobia", v.one_of("mild", "none", "severe")),
        *_under("diagnosis", _DIAGNOSES),
    ],
    "R": [
        *_under("cost, price, balance", _AMOUNT),
        *_under("heart_rate, income, population", v.numbered("{}", 40, 180), v.numbered("{}", 12_000, 250_000)),
        *_under("sex, race, ward", v.one_of("F", "M"), v.one_of("White", "Black"), v.one_of("A1", "B2", "C3")),
        *_under("diagnosis, drug, test", _DIAGNOSES, _DRUGS, _LAB),
        *_under("year", _YEARS),
        *_under("plan_id", v.one_of("P1", "P2", "P3")),
        *_under("state", v.one_of("MA", "NY")),
        *_under("weight, z_score, temperature", v.decimals(-3, 90, 4)),
        *_under("blood_pressure", _RATIOS),
        *_under("ward_id, clinic_code", v.one_of("W01", "W02", "W03")),
        *_under("icd_chapter", v.one_of("I10", "E11", "J45")),
    ],
}
"""By letter of the class that is not there: name of the column, maker of its cells, classes that may be found."""
