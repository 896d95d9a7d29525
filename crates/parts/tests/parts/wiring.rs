//! Wirings as data: what is refused, with every mistake at once, and what is read is written again.

use parts::catalogue::{Allowed, KINDS, Kind};
use parts::{Draft, MAX_PARTS, Mistake, Place, Reserved, Wiring};
use proptest::prelude::*;

use super::wiring;

fn codes(text: &str) -> Vec<&'static str> {
    let draft: Draft = toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    draft.check().err().map(|mistakes| mistakes.0.iter().map(Mistake::code).collect()).unwrap_or_default()
}

#[track_caller]
fn refused(part: &str, expected: &[&str]) {
    assert_eq!(codes(&format!("[[parts]]\n{part}")), expected, "{part}");
}

#[test]
fn every_mistake_has_its_code() {
    refused("", &["E-WIRE-MISSING", "E-WIRE-MISSING"]);
    refused("kind='led'\nname='l'", &["E-WIRE-MISSING"]);
    refused("kind='led'\nname='l'\npins={}", &["E-WIRE-MISSING"]);
    refused("kind='lead'\nname='l'\npins={anode=1}", &["E-WIRE-KIND"]);
    refused("kind=3\nname='l'\npins={anode=1}", &["E-WIRE-TYPE"]);
    refused("kind='led'\nname='l'\npins=1", &["E-WIRE-TYPE"]);
    refused("kind='led'\nname='l'\npins={anode='1'}", &["E-WIRE-TYPE"]);
    refused("kind='led'\nname='l'\npins={anode=1.5}", &["E-WIRE-TYPE"]);
    refused("kind='led'\nname='l'\npins={anode=1,cathode=2}", &["E-WIRE-KEY"]);
    refused("kind='led'\nname='l'\npins={anode=1}\ncolour='red'", &["E-WIRE-KEY"]);
    refused("kind='led'\nname=' l'\npins={anode=1}", &["E-WIRE-NAME"]);
    refused("kind='led'\nname=''\npins={anode=1}", &["E-WIRE-NAME"]);
    refused("kind='led'\nname='l'\npins={anode=22}", &["E-WIRE-PIN"]);
    refused("kind='led'\nname='l'\npins={anode=-1}", &["E-WIRE-PIN"]);
    refused("kind='led'\nname='l'\npins={anode=12}", &["E-WIRE-RESERVED"]);
    refused("kind='led'\nname='l'\npins={anode=18}", &["E-WIRE-RESERVED"]);
    refused("kind='led'\nname='l'\npins={anode=1}\nactive='up'", &["E-WIRE-CHOICE"]);
    refused("kind='potentiometer'\nname='p'\npins={wiper=5}", &["E-WIRE-ANALOG"]);
    refused("kind='button'\nname='b'\npins={contact=1}\nbounce_us=-1", &["E-WIRE-RANGE"]);
    refused("kind='pulses'\nname='g'\npins={out=1}\nperiod_ns=1000\nhigh_ns=1000", &["E-WIRE-RANGE"]);
    refused("kind='encoder'\nname='e'\npins={a=5,b=5}", &["E-WIRE-TAKEN"]);
}

#[test]
fn a_wire_joins_pins_that_have_parts_and_never_a_pin_with_itself() {
    let wires = |from: u8, to: u8| {
        format!(
            "[[parts]]\nkind='pulses'\nname='g'\npins={{out=5}}\n[[parts]]\nkind='led'\nname='l'\npins={{anode=7}}\n\
             [[parts]]\nkind='wire'\nname='w'\npins={{from={from},to={to}}}\n"
        )
    };
    assert_eq!(codes(&wires(5, 7)), Vec::<&str>::new());
    assert_eq!(codes(&wires(7, 7)), ["E-WIRE-TAKEN"]);
    // What the generator sends arrives at the other end.
    let mut machine = emulator::Machine::new(emulator::Config::default());
    let _wired = parts::Wired::connect(&wiring(&wires(5, 7)), 7, &mut machine).expect("room");
    let mut levels = Vec::new();
    for _ in 0..40 {
        machine.run_for(parts::time::MILLISECOND / 4);
        levels.push((machine.pin(5).map(|pin| pin.level), machine.pin(7).map(|pin| pin.level)));
    }
    assert!(levels.iter().all(|(from, to)| from == to), "{levels:?}");
    assert!(levels.contains(&(Some(true), Some(true))) && levels.contains(&(Some(false), Some(false))));
}

#[test]
fn all_mistakes_are_told_at_once_with_place_and_cause() {
    let text = r#"
        colour = 1
        [[parts]]
        kind = "button"
        name = "bell"
        pins = { contact = 10 }
        bounce_us = 200_000
        [[parts]]
        kind = "led"
        name = "bell"
        pins = { anode = 10 }
        [[parts]]
        kind = "hc-sr04"
        name = "far"
        pins = { trigger = 14 }
        [[moves]]
        at_us = -1
        part = "bell"
        control = "pulled"
        value = 1
    "#;
    let draft: Draft = toml::from_str(text).expect("TOML");
    let mistakes = draft.check().expect_err("mistakes").0;
    let part = |index, name: &str| Place::Part { index, name: name.to_owned() };
    assert!(matches!(&mistakes[0], Mistake::UnknownKey { place: Place::Wiring, key, .. } if key == "colour"));
    assert_eq!(
        mistakes[1],
        Mistake::OutOfRange {
            place: part(0, "bell"),
            key: "bounce_us".to_owned(),
            value: 200_000,
            min: 0,
            max: 157_000
        }
    );
    let taken = Mistake::PinTaken {
        place: part(1, "bell"),
        role: "anode".to_owned(),
        pin: 10,
        by: "bell".to_owned(),
        by_role: "contact".to_owned(),
    };
    assert!(mistakes.contains(&taken), "{mistakes:?}");
    let reserved =
        Mistake::PinReserved { place: part(2, "far"), role: "trigger".to_owned(), pin: 14, by: Reserved::Flash };
    assert!(mistakes.contains(&reserved), "{mistakes:?}");
    assert!(mistakes.contains(&Mistake::Missing { place: part(2, "far"), key: "echo".to_owned() }), "{mistakes:?}");
    assert!(matches!(&mistakes[..], [.., Mistake::OutOfRange { place: Place::Move(0), .. }]), "{mistakes:?}");
    let json = serde_json::to_value(&taken).expect("a cause is data");
    assert_eq!((json["cause"].as_str(), json["pin"].as_u64()), (Some("pin-taken"), Some(10)));
}

#[test]
fn moves_name_parts_and_controls_that_are_there() {
    let bell = "[[parts]]\nkind='button'\nname='bell'\npins={contact=10}\n";
    let moved = |text: &str| codes(&format!("{bell}[[moves]]\n{text}"));
    assert_eq!(moved("at_us=5\npart='bell'\ncontrol='pressed'\nvalue=1"), [""; 0]);
    assert_eq!(moved("at_us=5\npart='ball'\ncontrol='pressed'\nvalue=1"), ["E-WIRE-PART"]);
    assert_eq!(moved("at_us=5\npart='bell'\ncontrol='pushed'\nvalue=1"), ["E-WIRE-CONTROL"]);
    assert_eq!(moved("at_us=5\npart='bell'\ncontrol='pressed'\nvalue=2"), ["E-WIRE-RANGE"]);
    assert_eq!(moved("at_us=5\npart='bell'\ncontrol='pressed'"), ["E-WIRE-MISSING"]);
    assert_eq!(moved("at_us=5\npart='bell'\ncontrol='pressed'\nvalue=1\nwhen=3"), ["E-WIRE-KEY"]);
}

#[test]
fn a_bus_is_shared_and_nothing_else_is() {
    let two = |second: &str| {
        codes(&format!(
            "[[parts]]\nkind='tmp117'\nname='in'\npins={{sda=5,scl=6}}\n[[parts]]\nkind='tmp117'\nname='out'\n{second}"
        ))
    };
    assert_eq!(two("pins={sda=5,scl=6}\naddress=0x49"), [""; 0]);
    assert_eq!(two("pins={sda=6,scl=5}\naddress=0x49"), ["E-WIRE-TAKEN", "E-WIRE-TAKEN"]);
}

#[test]
fn sizes_are_bounded() {
    let one = |n: usize| format!("[[parts]]\nkind='tmp117'\nname='t{n}'\npins={{sda=5,scl=6}}\n");
    let many = |count| (0..count).map(one).collect::<String>();
    assert_eq!(codes(&many(MAX_PARTS)), [""; 0]);
    assert_eq!(codes(&many(MAX_PARTS + 1)), ["E-WIRE-PARTS"]);
    let moves = "[[moves]]\nat_us=1\npart='t0'\ncontrol='temperature_mc'\nvalue=1\n".repeat(1025);
    assert_eq!(codes(&format!("{}{moves}", one(0))), ["E-WIRE-MOVES"]);
    let deep = format!("{{\"parts\":{}1{}}}", "[".repeat(100), "]".repeat(100));
    assert!(serde_json::from_str::<Draft>(&deep).is_err());
    let wide = format!("{{\"parts\":[{}1]}}", "1,".repeat(20_000));
    assert!(serde_json::from_str::<Draft>(&wide).is_err());
    assert!(serde_json::from_str::<Draft>(r#"{"parts":[],"parts":[]}"#).is_ok_and(|draft| draft.check().is_err()));
}

#[test]
fn what_is_read_is_written_again_without_defaults() {
    let wiring = wiring(
        r#"
        [[parts]]
        kind = "switch"
        name = "Hauptschalter ⚡"
        pins = { contact = 10 }
        to = "supply"
        bounce_us = 6200
        bounces = 3
        [[moves]]
        at_us = 9
        part = "Hauptschalter ⚡"
        control = "on"
        value = 1
        [[moves]]
        at_us = 5
        part = "Hauptschalter ⚡"
        control = "on"
        value = 0
    "#,
    );
    let json = serde_json::to_string(&wiring).expect("a wiring is data");
    assert_eq!(
        json,
        concat!(
            r#"{"parts":[{"kind":"switch","name":"Hauptschalter ⚡","pins":{"contact":10},"to":"supply","bounces":3}],"#,
            r#""moves":[{"at_us":5,"part":"Hauptschalter ⚡","control":"on","value":0},"#,
            r#"{"at_us":9,"part":"Hauptschalter ⚡","control":"on","value":1}]}"#
        )
    );
    assert_eq!(serde_json::from_str::<Wiring>(&json).expect("it is sound"), wiring);
}

fn any_part(n: u8, pin: u8) -> impl Strategy<Value = serde_json::Value> {
    (0..KINDS.len(), any::<u64>()).prop_map(move |(kind, mut chance)| {
        let kind: &Kind = &KINDS[kind];
        let mut part = serde_json::json!({ "kind": kind.name, "name": format!("part {n}") });
        let pins: serde_json::Map<String, serde_json::Value> =
            kind.roles.iter().zip(pin..).map(|(role, pin)| (role.key.to_owned(), pin.into())).collect();
        part["pins"] = pins.into();
        for setting in kind.settings {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if chance >> 63 == 0 {
                continue;
            }
            part[setting.key] = match setting.allowed {
                Allowed::Amount { min, max, .. } => (min + (chance >> 33) as i64 % (max - min + 1).min(1 << 30)).into(),
                Allowed::Choice(words) => words[(chance >> 40) as usize % words.len()].into(),
            };
        }
        part
    })
}

proptest! {
    #[test]
    fn any_sound_wiring_survives_a_link(parts in (any_part(0, 0), any_part(1, 3), any_part(2, 6))) {
        let parts: [serde_json::Value; 3] = parts.into();
        let text = serde_json::json!({ "parts": parts }).to_string();
        let draft: Draft = serde_json::from_str(&text).expect("JSON");
        // Only a potentiometer beyond the analog pins, or a pulse beyond its period, may be wrong here.
        match draft.check() {
            Ok(wiring) => {
                let written = serde_json::to_string(&wiring).expect("a wiring is data");
                prop_assert_eq!(serde_json::from_str::<Wiring>(&written).expect("it is sound"), wiring);
            }
            Err(mistakes) => prop_assert!(
                mistakes.0.iter().all(|mistake| matches!(mistake.code(), "E-WIRE-ANALOG" | "E-WIRE-RANGE")),
                "{:?}", mistakes
            ),
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in r#"[\[\]{}",:a-z0-9\-\\. ]{0,80}"#, key in "[a-z_]{1,12}", value in any::<i64>()) {
        let _ = serde_json::from_str::<Draft>(&text).map(|draft| draft.check());
        let part = serde_json::json!({ "kind": "pulses", "name": &text, "pins": { "out": value }, &key: value });
        let draft: Draft = serde_json::from_value(serde_json::json!({ "parts": [part], "moves": [&text] })).expect("JSON");
        prop_assert!(draft.check().is_err());
    }
}
