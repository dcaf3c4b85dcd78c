//! What an access token opens: userinfo, mailcow's profile, introspection, revocation.
