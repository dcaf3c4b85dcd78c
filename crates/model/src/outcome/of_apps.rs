//! The words of the codes that apps and their people meet.

use super::{Entry, Fix};

pub(super) const UNKNOWN: Entry = Entry {
    id: "OAUTH-701",
    title: "This app is not known here",
    person: "The link that brought you here names an app that does not exist. Tell the people who run the app.",
    admin: "No app has the client id {client_id}. Compare it with the one in the app's own settings, or add the app.",
    fix: Fix::App,
    retry: false,
    status: 400,
};

pub(super) const REDIRECT: Entry = Entry {
    id: "OAUTH-702",
    title: "This app asked for the wrong way back",
    person: "The app that brought you here wants you back at an address that is not registered for it, so nobody is sent there. Tell the people who run the app.",
    admin: "{app} sent the redirect URI {received}; registered is {registered}. They must be the same byte for byte.",
    fix: Fix::App,
    retry: false,
    status: 400,
};

pub(super) const OFF: Entry = Entry {
    id: "OAUTH-703",
    title: "This app is switched off",
    person: "{app} is switched off here, so you cannot sign in to it. Ask your helpdesk if you need it.",
    admin: "{app} is switched off.",
    fix: Fix::App,
    retry: false,
    status: 403,
};

pub(super) const NOT_FOR_YOU: Entry = Entry {
    id: "OAUTH-704",
    title: "This app is not for your account",
    person: "{app} may not be used with your account. If you need it, ask your helpdesk.",
    admin: "{address} may not use {app}: {detail}.",
    fix: Fix::App,
    retry: false,
    status: 403,
};

pub(super) const SCOPE: Entry = Entry {
    id: "OAUTH-705",
    title: "This app asked for something that does not exist",
    person: "{app} asked for information that nobody can give it. Tell the people who run the app.",
    admin: "{app} asked for the scopes {scopes}; there are openid, profile, email, groups and offline_access.",
    fix: Fix::App,
    retry: false,
    status: 400,
};

pub(super) const DENIED: Entry = Entry {
    id: "OAUTH-706",
    title: "You said no",
    person: "You did not allow {app} to know you. Sign in there again if you change your mind.",
    admin: "{address} did not allow {app} the scopes {scopes}.",
    fix: Fix::Person,
    retry: false,
    status: 403,
};

pub(super) const CODE: Entry = Entry {
    id: "OAUTH-707",
    title: "The sign-in took too long",
    person: "The app came back too late with your sign-in. Sign in there again.",
    admin: "{app} sent a code that does not count: {detail}. A code counts once, for a minute, with the redirect URI and the PKCE verifier it was asked for with.",
    fix: Fix::App,
    retry: true,
    status: 400,
};

pub(super) const SECRET: Entry = Entry {
    id: "OAUTH-708",
    title: "This app could not prove that it is itself",
    person: "The app does not have its right password here. Tell the people who run the app.",
    admin: "{app} did not prove that it is itself: {detail}. Give it the client secret again, or rotate it. One that runs in a browser alone keeps none: add it anew as an app without a secret.",
    fix: Fix::App,
    retry: false,
    status: 401,
};

pub(super) const PKCE: Entry = Entry {
    id: "OAUTH-709",
    title: "This app does not ask safely enough",
    person: "The app left out a safeguard that is demanded here. Tell the people who run the app.",
    admin: "{app} must use PKCE and did not: {detail}. Switch it on in the app; for one that cannot, and keeps a secret, lift the demand here.",
    fix: Fix::App,
    retry: false,
    status: 400,
};

pub(super) const CIRCLE: Entry = Entry {
    id: "OAUTH-710",
    title: "This sign-in goes in circles",
    person: "{app} sends you to {provider}, and {provider} sends you back to {app}. Tell your helpdesk.",
    admin: "{app} and {provider} send people to each other: three sign-ins within five minutes came to no end. If {app} is itself {provider}, name it under “never through” in the app's settings.",
    fix: Fix::App,
    retry: false,
    status: 409,
};

pub(super) const USED_AGAIN: Entry = Entry {
    id: "OAUTH-711",
    title: "A sign-in was used twice",
    person: "Your sign-in to {app} was used a second time, so it has ended. Sign in there again. If this comes back, tell your helpdesk.",
    admin: "{app} offered a {detail} that had been used before, so everything that stood on it has ended. Somebody may have stolen it, or the app runs twice with one memory, or came back from a backup.",
    fix: Fix::App,
    retry: true,
    status: 400,
};

pub(super) const NOT_ANEW: Entry = Entry {
    id: "OAUTH-712",
    title: "You were not asked to sign in again",
    person: "{app} wants you to sign in again, and {provider} let you through without asking. Sign out at {provider}, then go back to {app}.",
    admin: "{app} asked for a new sign-in (prompt=login or max_age), and {provider} let {address} through on one of {age} ago (auth_time). Have {provider} honour prompt=login, or let people of {app} sign in another way.",
    fix: Fix::Provider,
    retry: false,
    status: 403,
};

pub(super) const SIGN_OUT: Entry = Entry {
    id: "OAUTH-713",
    title: "This is not a good way to sign out",
    person: "The app that sent you here to sign out did not do it right, so nothing was changed. Tell the people who run the app.",
    admin: "{app} asked to sign somebody out and was refused: {detail}. Compare what it sends with its settings here.",
    fix: Fix::App,
    retry: false,
    status: 400,
};

pub(super) const NOT_TOLD: Entry = Entry {
    id: "OAUTH-714",
    title: "An app does not know that your sign-in ended",
    person: "Your sign-in here has ended, and {app} could not be told. Sign out there too.",
    admin: "{app} could not be told that a session ended, and no further try is made: {detail}. Whoever was signed in there may still be. Correct its back-channel logout URL, or the app's own settings.",
    fix: Fix::App,
    retry: false,
    status: 502,
};

pub(super) const DEVICE_UNKNOWN: Entry = Entry {
    id: "OAUTH-715",
    title: "No device waits with this code",
    person: "No device waits with this code. Compare it with your device, letter by letter. If they are the same, ask the device for a new code.",
    admin: "{address} typed a code that no device shows. Codes are gone ten minutes after their end.",
    fix: Fix::Person,
    retry: true,
    status: 422,
};

pub(super) const DEVICE_ENDED: Entry = Entry {
    id: "OAUTH-716",
    title: "The code has ended",
    person: "This code has ended: codes are good for ten minutes at most. Ask your device for a new one.",
    admin: "{address} typed the code of a device with {app} after it had ended. Codes are good for ten minutes, and for less when 1,000 devices of an app wait.",
    fix: Fix::Person,
    retry: true,
    status: 422,
};

pub(super) const DEVICE_ANSWERED: Entry = Entry {
    id: "OAUTH-717",
    title: "The code was used before",
    person: "This code was allowed or denied before, and counts once. If your device still waits, ask it for a new one.",
    admin: "{address} typed the code of a device with {app} that was answered before.",
    fix: Fix::Person,
    retry: true,
    status: 422,
};

pub(super) const DEVICES: Entry = Entry {
    id: "OAUTH-718",
    title: "This app does not sign in devices",
    person: "{app} may not sign in devices by a code here. Tell the people who run the app.",
    admin: "{app} asked for a code for a device, which its settings do not allow.",
    fix: Fix::App,
    retry: false,
    status: 403,
};
