//! The tables, by hand: diesel's tool would print one database's types. A test holds both databases to this.

diesel::table! {
    list_head (id) {
        id -> Integer,
        seq -> BigInt,
        pruned_to -> BigInt,
        keys_seq -> BigInt,
    }
}

diesel::table! {
    list_entries (seq) {
        seq -> BigInt,
        credential_id -> Nullable<Text>,
        user_id -> Nullable<Text>,
        organization_id -> Nullable<Text>,
        revokes -> Bool,
        created_at -> Timestamp,
    }
}

diesel::table! {
    numbers (name) {
        name -> Text,
        last -> BigInt,
    }
}

diesel::table! {
    organizations (id) {
        id -> Text,
        number -> BigInt,
        slug -> Text,
        name -> Text,
        policy -> Text,
        policy_seq -> BigInt,
        revoked_seq -> BigInt,
        created_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    users (id) {
        id -> Text,
        number -> BigInt,
        email -> Nullable<Text>,
        name -> Text,
        kind -> Text,
        password_hash -> Nullable<Text>,
        operator_since -> Nullable<Timestamp>,
        disabled_at -> Nullable<Timestamp>,
        revoked_seq -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    memberships (organization_id, user_id) {
        organization_id -> Text,
        user_id -> Text,
        role -> Text,
        member_groups -> Nullable<Text>,
        created_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        revoked_seq -> BigInt,
    }
}

diesel::table! {
    credentials (id) {
        id -> Text,
        number -> BigInt,
        organization_id -> Text,
        owner_id -> Text,
        name -> Text,
        kind -> Text,
        permission -> Text,
        scopes -> Nullable<Text>,
        audiences -> Nullable<Text>,
        secret_hash -> Binary,
        created_at -> Timestamp,
        created_seq -> BigInt,
        created_by -> Nullable<Text>,
        expires_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
        revoked_by -> Nullable<Text>,
        revoked_reason -> Nullable<Text>,
        rotated_from -> Nullable<Text>,
        last_used_at -> Nullable<Timestamp>,
        last_used_from -> Nullable<Text>,
        rotated_to -> Nullable<Text>,
        rotated_at -> Nullable<Timestamp>,
        ends_on_use -> Nullable<Text>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        secret_hash -> Binary,
        user_id -> Text,
        created_at -> Timestamp,
        last_seen_at -> Timestamp,
    }
}

diesel::table! {
    invitations (id) {
        id -> Text,
        organization_id -> Text,
        email -> Text,
        role -> Text,
        member_groups -> Nullable<Text>,
        secret_hash -> Binary,
        created_at -> Timestamp,
        created_seq -> BigInt,
        created_by -> Text,
        expires_at -> Timestamp,
        accepted_at -> Nullable<Timestamp>,
        accepted_by -> Nullable<Text>,
        withdrawn_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    sealed_keys (kid) {
        kid -> Text,
        purpose -> Text,
        algorithm -> Text,
        sealed -> Binary,
        created_at -> Timestamp,
        activates_at -> Timestamp,
        created_seq -> BigInt,
        withdrawn_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    usage_counts (credential_id, day, outcome) {
        credential_id -> Text,
        day -> Text,
        outcome -> Text,
        count -> BigInt,
    }
}

diesel::table! {
    usage_addresses (credential_id, address) {
        credential_id -> Text,
        address -> Text,
        first_used_at -> Timestamp,
        last_used_at -> Timestamp,
        exchanges -> BigInt,
    }
}

diesel::table! {
    audit (id) {
        id -> Text,
        seq -> BigInt,
        created_at -> Timestamp,
        organization_id -> Nullable<Text>,
        actor_user_id -> Nullable<Text>,
        actor_credential_id -> Nullable<Text>,
        action -> Text,
        subject_id -> Nullable<Text>,
        address -> Nullable<Text>,
        detail -> Nullable<Text>,
        request_id -> Nullable<Text>,
        via -> Nullable<Text>,
    }
}

diesel::table! {
    refusals (request_id) {
        request_id -> Text,
        credential_id -> Text,
        refused_at -> Timestamp,
        reason -> Text,
        address -> Nullable<Text>,
    }
}

diesel::table! {
    replicas (id) {
        id -> Text,
        max_staleness_ms -> BigInt,
        applied -> BigInt,
        beat -> BigInt,
    }
}

diesel::table! {
    compatibility (id) {
        id -> Integer,
        required_migration -> Text,
    }
}

diesel::joinable!(credentials -> users (owner_id));
diesel::joinable!(credentials -> organizations (organization_id));
diesel::joinable!(memberships -> users (user_id));
diesel::joinable!(memberships -> organizations (organization_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(audit -> users (actor_user_id));
diesel::joinable!(invitations -> organizations (organization_id));
diesel::allow_tables_to_appear_in_same_query!(
    audit,
    credentials,
    users,
    organizations,
    memberships,
    sessions,
    invitations
);
