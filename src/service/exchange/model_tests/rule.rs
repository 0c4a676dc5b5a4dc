//! The rules: R1–R8 of DESIGN 6, what else `ARCHITECTURE.md` says of rows and trust, and what the list keeps.

/// What the code (or, with [`Rule::ClocksAreNotSlower`], its operator) sees to. Most are the order of two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// R1: the follower notes the time before it reads the counter.
    TimeBeforeCounter,
    /// What it reads is the primary, not a standby that lags behind.
    ThePrimaryIsRead,
    /// R1: it reads the counter before the entries.
    CounterBeforeEntries,
    /// R1: it raises `seen` before it forgets.
    SeenBeforeForget,
    /// R1: it forgets before it publishes `applied`.
    ForgetBeforeApplied,
    /// R1: it publishes `applied` before it renews trust.
    AppliedBeforeTrust,
    /// R1: what the row says is `applied`, not what has only been seen.
    AppliedIsNoted,
    /// R1: a change does not move `applied` for the follower.
    OnlyFollowerMovesApplied,
    /// A follower that is behind `pruned_to` forgets everything.
    ForgetBehindPruned,
    /// R2: an exchange checks trust before the look-up.
    TrustBeforeLookUp,
    /// R3: it reads `rev` before the look-up.
    RevBeforeLookUp,
    /// R4: it reads the wall clock before `rev`.
    ClockBeforeRev,
    /// R5: what a load offers is compared with `seen` at all.
    OffersAreChecked,
    /// R5: it is compared with `seen`, not with `applied`.
    OffersAreCheckedWithSeen,
    /// R5: it is compared under the lock that the insertion holds too.
    OffersAreCheckedUnderTheLock,
    /// R6: the counter is read before the row.
    CounterBeforeRow,
    /// R7: a running load is joined only if its counter is not older than one's own `rev`.
    JoinOnlyWhatIsNewEnough,
    /// R7: a running load is joined only while memory is trusted.
    JoinOnlyWhileTrusted,
    /// R8: no server's clock stands while that of the one who changes something goes on.
    ClocksAreNotSlower,
    /// An entry is kept for the life of an access token and the bound.
    EntriesOutliveTokens,
    /// A change reads the rows after its commit.
    RowsAfterCommit,
    /// The bound counts from after the commit.
    BoundFromCommit,
    /// A change waits for the memory of its own server.
    OwnMemoryIsAwaited,
    /// It waits for each server, not for one of them.
    EachServerIsAwaited,
    /// It waits for the largest bound of those that are behind.
    LargestBoundIsAwaited,
    /// Memory is believed only for a time after a beat was written.
    BeatsLimitTrust,
    /// That time counts from before the beat is written.
    BeatCountsFromBeforeTheWrite,
    /// What was looked at before a registration does not count after it.
    RegisteringEndsFormerTrust,
    /// A look that is under way at a registration does not count either.
    LooksBelongToARegistration,
    /// A server that leaves ends its trust before its row is gone.
    TrustEndsBeforeLeaving,
    /// The watcher reads its clock after the rows.
    WatcherTimesAfterReading,
    /// It removes a row only if that still has not beaten.
    OnlyStillRowsAreRemoved,
}

impl Rule {
    pub(super) const ALL: [Self; 32] = [
        Self::TimeBeforeCounter,
        Self::ThePrimaryIsRead,
        Self::CounterBeforeEntries,
        Self::SeenBeforeForget,
        Self::ForgetBeforeApplied,
        Self::AppliedBeforeTrust,
        Self::AppliedIsNoted,
        Self::OnlyFollowerMovesApplied,
        Self::ForgetBehindPruned,
        Self::TrustBeforeLookUp,
        Self::RevBeforeLookUp,
        Self::ClockBeforeRev,
        Self::OffersAreChecked,
        Self::OffersAreCheckedWithSeen,
        Self::OffersAreCheckedUnderTheLock,
        Self::CounterBeforeRow,
        Self::JoinOnlyWhatIsNewEnough,
        Self::JoinOnlyWhileTrusted,
        Self::ClocksAreNotSlower,
        Self::EntriesOutliveTokens,
        Self::RowsAfterCommit,
        Self::BoundFromCommit,
        Self::OwnMemoryIsAwaited,
        Self::EachServerIsAwaited,
        Self::LargestBoundIsAwaited,
        Self::BeatsLimitTrust,
        Self::BeatCountsFromBeforeTheWrite,
        Self::RegisteringEndsFormerTrust,
        Self::LooksBelongToARegistration,
        Self::TrustEndsBeforeLeaving,
        Self::WatcherTimesAfterReading,
        Self::OnlyStillRowsAreRemoved,
    ];
}
