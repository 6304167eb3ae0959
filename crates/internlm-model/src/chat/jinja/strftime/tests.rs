//! Against `datetime.strftime` of CPython 3.11 on glibc 2.36, in the C locale.

use chrono::{NaiveDate, NaiveDateTime};

use super::written;

/// All letters but `s`, which depends on the zone.
const LETTERS: &str = "abcdefghijklmnopqrtuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ%";

/// Flags, widths, and letters that are not directives.
const FLAGS: &str = "%-d|%_d|%0e|%^a|%#a|%#p|%^P|%#P|%#B|%5d|%_5d|%-5d|%05e|%10A|%010A|%^10A|%Ed|%Od|%q|%-q|%%|%5%|%+d|%-f|%^x|%#c|%^c|%10x|%_10x|%010x|%10Y|%_y|%-y|%5n|%-I|%-m/%-d/%y|%#Z|%-j|%Ey|%OY|%1d|%3H|%-H|%_I|%|%-";

fn times() -> [NaiveDateTime; 3] {
    let time = |date: (i32, u32, u32), clock: (u32, u32, u32), micros: u32| {
        let date = NaiveDate::from_ymd_opt(date.0, date.1, date.2).expect("a date");
        date.and_hms_micro_opt(clock.0, clock.1, clock.2, micros).expect("a time")
    };
    [
        time((2024, 3, 5), (15, 4, 9), 123),
        time((2021, 1, 3), (0, 59, 0), 0),
        time((1999, 12, 31), (12, 0, 1), 999999),
    ]
}

#[test]
fn every_letter_is_written_as_python_writes_it() {
    let expected = [
        "Tue|Mar|Tue Mar  5 15:04:09 2024|05| 5|000123|24|Mar|%i|065|15| 3|03|\n|%o|PM|%q|03:04:09 PM|\t|2|%v|2|03/05/24|24||Tuesday|March|20|03/05/24|%E|2024-03-05|2024|15|03|%J|%K|%L|04|%N|%O|pm|%Q|15:04|09|15:04:09|09|10|10|15:04:09|2024||%",
        "Sun|Jan|Sun Jan  3 00:59:00 2021|03| 3|000000|20|Jan|%i|003| 0|12|01|\n|%o|AM|%q|12:59:00 AM|\t|7|%v|0|01/03/21|21||Sunday|January|20|01/03/21|%E|2021-01-03|2020|00|12|%J|%K|%L|59|%N|%O|am|%Q|00:59|00|00:59:00|01|53|00|00:59:00|2021||%",
        "Fri|Dec|Fri Dec 31 12:00:01 1999|31|31|999999|99|Dec|%i|365|12|12|12|\n|%o|PM|%q|12:00:01 PM|\t|5|%v|5|12/31/99|99||Friday|December|19|12/31/99|%E|1999-12-31|1999|12|12|%J|%K|%L|00|%N|%O|pm|%Q|12:00|01|12:00:01|52|52|52|12:00:01|1999||%",
    ];
    for (time, expected) in times().iter().zip(expected) {
        let found: Vec<String> = LETTERS.chars().map(|letter| written(time, &format!("%{letter}"))).collect();
        assert_eq!(found.join("|"), expected);
    }
}

#[test]
fn flags_and_widths_are_those_of_glibc() {
    let expected = [
        "5| 5|05|TUE|TUE|pm|pm|pm|MARCH|00005|    5|    5|00005|   Tuesday|000Tuesday|   TUESDAY|%Ed|05|%q|%-q|%|    %|%+d|%-f|03/05/24|Tue Mar  5 15:04:09 2024|TUE MAR  5 15:04:09 2024|  03/05/24|  03/05/24|0003/05/24|0000002024|24|24|    \n|3|3/5/24||65|24|%OY|05|015|15| 3|%|%-",
        "3| 3|03|SUN|SUN|am|am|am|JANUARY|00003|    3|    3|00003|    Sunday|0000Sunday|    SUNDAY|%Ed|03|%q|%-q|%|    %|%+d|%-f|01/03/21|Sun Jan  3 00:59:00 2021|SUN JAN  3 00:59:00 2021|  01/03/21|  01/03/21|0001/03/21|0000002021|21|21|    \n|12|1/3/21||3|21|%OY|03|000|0|12|%|%-",
        "31|31|31|FRI|FRI|pm|pm|pm|DECEMBER|00031|   31|   31|00031|    Friday|0000Friday|    FRIDAY|%Ed|31|%q|%-q|%|    %|%+d|%-f|12/31/99|Fri Dec 31 12:00:01 1999|FRI DEC 31 12:00:01 1999|  12/31/99|  12/31/99|0012/31/99|0000001999|99|99|    \n|12|12/31/99||365|99|%OY|31|012|12|12|%|%-",
    ];
    for (time, expected) in times().iter().zip(expected) {
        let found: Vec<String> = FLAGS.split('|').map(|format| written(time, format)).collect();
        assert_eq!(found.join("|"), expected);
    }
}
