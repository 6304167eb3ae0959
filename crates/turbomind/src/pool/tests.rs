//! Tests of the pool: odd numbers of chunks, delays, panics and misuse.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use internlm_kit::testing::TestRng;

use super::{Member, Pool};
use crate::{Error, Result};

/// A number that looks random and is the same everywhere.
fn random(state: u64) -> u64 {
    TestRng::new(state).bits()
}

/// Causes, now and then, a delay of up to 60 us, which is longer than members spin.
fn delay(seed: u64) {
    let number = random(seed);
    if number.is_multiple_of(61) {
        std::thread::sleep(Duration::from_micros(number / 64 % 60));
    }
}

/// Every phase adds to each cell what the phase before left in another cell, so one lost or doubled chunk, or one
/// stale read, changes all that follows.
fn mix(threads: usize, jobs: u64, phases: u64) -> Vec<u32> {
    let mut pool = Pool::new(threads).expect("threads");
    assert_eq!(pool.threads(), threads);
    let cells: Vec<Vec<AtomicU32>> =
        (0..2).map(|_| (0..37).map(|cell| AtomicU32::new(cell + 1)).collect()).collect();
    for job in 0..jobs {
        let run = |member: &Member<'_>| {
            for phase in 0..phases {
                let chunks = random(job * phases + phase) as usize % 38;
                let (from, to) = (&cells[phase as usize % 2], &cells[1 - phase as usize % 2]);
                let (mut last, own) = (None, chunks * member.index() / threads);
                member.phase(chunks, |chunk| {
                    let turn = (chunk + chunks - own) % chunks;
                    assert!(last.replace(turn) < Some(turn), "chunks rise from the member's share on");
                    delay((job * phases + phase) * 64 + chunk as u64);
                    to[chunk].fetch_add(from[(chunk * 7 + 3) % 37].load(Relaxed).rotate_left(1), Relaxed);
                })?;
            }
            Ok(())
        };
        pool.run(&run).expect("no member fails");
    }
    cells.iter().flatten().map(|cell| cell.load(Relaxed)).collect()
}

#[test]
fn phases_give_the_same_for_one_to_eight_threads() {
    let (jobs, phases) = if cfg!(miri) { (2, 4) } else { (20, 60) };
    let alone = mix(1, jobs, phases);
    for threads in 2..=if cfg!(miri) { 3 } else { 8 } {
        assert_eq!(mix(threads, jobs, phases), alone, "{threads} threads");
    }
}

#[test]
fn every_member_runs_the_job() {
    let mut pool = Pool::new(4).expect("threads");
    let seen = Mutex::new(Vec::new());
    let run = |member: &Member<'_>| {
        assert_eq!(member.threads(), 4);
        seen.lock().expect("no panic").push(member.index());
        Ok(())
    };
    pool.run(&run).expect("no member fails");
    let mut seen = seen.into_inner().expect("no panic");
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3]);
}

/// Runs a job whose member `index` calls `odd` instead of phase 2.
fn job_with(pool: &mut Pool, index: usize, odd: impl Fn(&Member<'_>) -> Result<()> + Sync) -> Result<()> {
    pool.run(&|member| {
        for phase in 0..4 {
            if phase == 2 && member.index() == index {
                return odd(member);
            }
            member.phase(5, |_| ())?;
        }
        Ok(())
    })
}

#[test]
fn a_panic_in_any_member_poisons_the_pool() {
    for index in 0..3 {
        let mut pool = Pool::new(3).expect("threads");
        let ended = job_with(&mut pool, index, |_| panic!("expected by the test"));
        assert!(matches!(ended, Err(Error::Poisoned)), "member {index}: {ended:?}");
        let later = pool.run(&|_| Ok(()));
        assert!(matches!(later, Err(Error::Poisoned)), "member {index}: {later:?}");
    }
}

#[test]
fn a_panic_in_a_chunk_poisons_the_pool() {
    for threads in 1..=4 {
        let mut pool = Pool::new(threads).expect("threads");
        let done = AtomicUsize::new(0);
        let ended = pool.run(&|member| {
            member.phase(9, |chunk| {
                assert!(chunk != 6, "expected by the test");
                done.fetch_add(1, Relaxed);
            })?;
            unreachable!("chunk 6 is never done")
        });
        assert!(matches!(ended, Err(Error::Poisoned)), "{threads} threads: {ended:?}");
        assert!(done.into_inner() >= 6);
    }
}

#[test]
fn an_error_ends_the_job_and_not_the_pool() {
    let mut pool = Pool::new(3).expect("threads");
    for index in 0..3 {
        let ended = job_with(&mut pool, index, |_| Err(Error::step(index, 0, 1)));
        assert!(matches!(ended, Err(Error::Step { step, .. }) if step == index), "{ended:?}");
        let count = AtomicUsize::new(0);
        let run = |member: &Member<'_>| {
            member.phase(7, |_| {
                count.fetch_add(1, Relaxed);
            })
        };
        pool.run(&run).expect("the pool still works");
        assert_eq!(count.into_inner(), 7);
    }
}

#[test]
fn a_phase_inside_of_a_phase_is_an_error() {
    let mut pool = Pool::new(2).expect("threads");
    let nested = AtomicUsize::new(0);
    let run = |member: &Member<'_>| {
        member.phase(6, |_| {
            if matches!(member.phase(1, |_| ()), Err(Error::NestedPhase)) {
                nested.fetch_add(1, Relaxed);
            }
        })
    };
    pool.run(&run).expect("the outer phase is sound");
    assert_eq!(nested.into_inner(), 6);
}

#[test]
fn a_member_that_skips_a_phase_does_not_hang_the_others() {
    for index in 0..3 {
        let mut pool = Pool::new(3).expect("threads");
        let ended = job_with(&mut pool, index, |_| Ok(()));
        assert!(matches!(ended, Err(Error::Poisoned)), "member {index}: {ended:?}");
    }
}

#[test]
fn dropping_joins_idle_and_sleeping_threads() {
    for threads in 1..=8 {
        drop(Pool::new(threads).expect("threads"));
        let mut pool = Pool::new(threads).expect("threads");
        pool.run(&|member| member.phase(3, |_| ())).expect("no member fails");
        std::thread::sleep(Duration::from_millis(1));
        pool.run(&|member| member.phase(3, |_| ())).expect("sleepers wake");
        drop(pool);
    }
}
