//! Companies with every field filled, as they are in a business: names of a few words, a domain that is like the name, a
//! person with an address there, tags out of a dozen. Four in five are connected and read.

use std::{fmt::Write as _, time::Duration};

use app::domain::{CompanyId, ConnectionId};
use sea_orm::ConnectionTrait as _;
use server::clock::{Clock as _, Mint as _, SystemClock};
use uuid::Uuid;

use crate::database::{Empty, Engine};

const FIRST: &str = "Alpine Amber Apex Arctic Aspen Atlas Aurora Bay Beacon Birch Blue Boulder Bright Brook Canyon Cedar Chestnut \
                     Clear Cobalt Copper Coral Crest Crown Crystal Delta Eagle East Elm Ember Emerald Falcon Fern Flint Forest \
                     Garnet Glacier Golden Granite Green Harbor Hazel Highland Hollow Iron Ivory Jade Juniper Keystone Lake \
                     Laurel Liberty Lion Lotus Maple Marble Meadow Meridian Midland Mill Monarch Moss Mountain North Oak Ocean \
                     Olive Onyx Orchard Osprey Otter Pacific Palm Pearl Pine Pioneer Prairie Quartz Raven Red Ridge River Rose \
                     Ruby Saffron Sage Sapphire Silver Sky South Spruce Star Sterling Stone Summit Sun Swift Thistle Timber";
const TRADE: &str = "Accounting Advisors Architects Autos Bakery Builders Capital Care Catering Chemicals Clinic Coffee \
                     Construction Consulting Dairy Dental Design Energy Engineering Estates Farms Finance Fitness Foods \
                     Foundation Freight Furniture Gardens Health Hotels Insurance Interiors Labs Law Lighting Logistics \
                     Machinery Marine Media Medical Metals Motors Optics Paper Pharmacy Plastics Plumbing Press Printing \
                     Properties Realty Roofing School Security Solutions Sports Steel Studio Supply Systems Tax Textiles Tools";
const FORM: &str = "Ltd Inc GmbH LLC BV SA";
const GIVEN: &str = "Anna Ben Cleo David Emma Finn Grace Hugo Ida Jonas Kim Lena Mark Nora Oscar Paula Quinn Rosa Sam Tina Uma \
                     Vera Will Xaver Yara Zoe Adam Bea Carl Dora Erik Fay Gus Hana Ivan Jill Kurt Lily Max Nils";
const FAMILY: &str = "Abel Baker Clark Diaz Evans Fischer Garcia Hansen Ito Jensen King Lopez Meyer Nash Owens Patel Quist Rossi \
                      Smith Taylor Ueda Vance Weber Xu Young Zhang Adams Brown Cruz Dubois Eriksen Ford Gupta Hill Jones Klein";
const TAGS: &str = "gold silver bronze managed co-managed backup dental legal Berlin Hamburg London trial";
const ENDS: &str = "com de co.uk net io";

/// Companies in one statement.
const STEP: usize = 500;

/// Numbers as if by chance, and the same each time.
struct Dice(u64);

impl Dice {
    /// Less than `sides` (`SplitMix64`, of which the high bits are used).
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn word<'a>(&mut self, words: &'a str) -> &'a str {
        let count = words.split_whitespace().count() as u64;
        let place = usize::try_from(self.throw(count)).unwrap_or(0);
        words.split_whitespace().nth(place).unwrap_or_default()
    }
}

/// Puts so many companies there.
pub async fn fill(empty: &Empty, engine: Engine, companies: usize) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let id = |id: Uuid| match engine {
        Engine::Sqlite => format!("x'{}'", id.simple()),
        Engine::Postgres => format!("'{id}'"),
    };
    let (mut dice, mut shared) = (Dice(1), String::new());
    // Nobody is to be read meanwhile. What is due much later would be taken for a mistake of a clock.
    let due = now.plus(Duration::from_hours(3)).as_millis();
    for from in (0..companies).step_by(STEP) {
        let (mut records, mut connections, mut states) = (String::new(), String::new(), String::new());
        for number in from..(from + STEP).min(companies) {
            let company = id(CompanyId::mint(now).uuid());
            let (first, second) = (dice.word(FIRST), dice.word(FIRST));
            // Names are different; what is like them need not be.
            let name = format!("{first} {second} {} {} {number}", dice.word(TRADE), dice.word(FORM));
            let (end, given, family) = (dice.word(ENDS), dice.word(GIVEN), dice.word(FAMILY));
            let mut domain = format!("{}{}{}.{end}", first.to_lowercase(), second.to_lowercase(), number % 1_000);
            // Some share theirs, which is odd.
            if dice.throw(20) == 0 && !shared.is_empty() {
                domain.clone_from(&shared);
            }
            shared.clone_from(&domain);
            let address = format!("{given}.{family}@{domain}").to_lowercase();
            let tags = [dice.word(TAGS), dice.word(TAGS)];
            let tags = if tags[0] == tags[1] { tags[0].to_owned() } else { tags.join(", ") };
            let _ = write!(
                records,
                ",({company}, '{name}', '{domain}', 'C-{:05}', '{given} {family}', '{address}', '{tags}', 0, {}, 0)",
                10_000 + number * 7,
                1 + dice.throw(200)
            );
            if dice.throw(5) == 0 {
                continue;
            }
            let phase = dice.throw(20);
            let (phase, reason) = if phase == 0 { ("needs_reconnect", "'app_removed'") } else { ("active", "NULL") };
            // Some were renamed, which is odd too.
            let known = if dice.throw(20) == 0 { format!("{first} {second}") } else { name.clone() };
            let ago = |dice: &mut Dice, most: u64| now.as_millis() - i64::try_from(dice.throw(most)).unwrap_or(0);
            let since = ago(&mut dice, 30_000_000_000);
            let _ = write!(
                connections,
                ",({}, {company}, {}, '{name}', '{known}', 'application', '{phase}', {reason}, {since}, '', 'x', {since}, \
                 {due}, 1, {}, {}, {}, {}, {}, 100)",
                id(ConnectionId::mint(now).uuid()),
                id(Uuid::new_v4()),
                ago(&mut dice, 21_600_000),
                dice.throw(500),
                dice.throw(400),
                dice.throw(400),
                dice.throw(100),
            );
            if dice.throw(10) == 0 {
                let _ = write!(states, ",({company}, 'secure_score', 0, 'not_available', 0, 0, 0, 0, 0)");
            }
        }
        for (columns, values) in [
            (
                "company (id, name, domain, external_id, contact, contact_email, tags, created_at, revision, changed_at)",
                records,
            ),
            (
                "connection (id, company_id, tenant_id, tenant_name, known_name, access, phase, reason, phase_since, granted, \
                 connected_by, connected_at, due_at, last_round_at, synced_at, users, licences_used, licences_assignable, \
                 score_current, score_max)",
                connections,
            ),
            (
                "dataset_state (company_id, data_set, last_try, problem, problem_since, generation, tries, as_of, walk_pages)",
                states,
            ),
        ] {
            if !values.is_empty() {
                empty.db.execute_unprepared(&format!("INSERT INTO {columns} VALUES {}", &values[1..])).await?;
            }
        }
    }
    empty.db.execute_unprepared("ANALYZE").await?;
    Ok(())
}
