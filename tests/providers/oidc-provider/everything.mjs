// Keeps all that an oidc-provider gives out, in plain maps. Its own memory is for trying it out: it
// forgets the oldest of a thousand things, and walks through all that stands on a grant whenever one
// more is added. Nothing here ends by itself; oidc-provider looks at the times.

export class Everything {
  static #grants = new Map();

  #kept = new Map();

  #byUid = new Map();

  #byUserCode = new Map();

  async upsert(id, payload) {
    this.#kept.set(id, payload);
    if (payload.uid) this.#byUid.set(payload.uid, id);
    if (payload.userCode) this.#byUserCode.set(payload.userCode, id);
    if (payload.grantId) {
      const standing = Everything.#grants.get(payload.grantId) ?? new Map();
      standing.set(id, this);
      Everything.#grants.set(payload.grantId, standing);
    }
  }

  async find(id) {
    return this.#kept.get(id);
  }

  async findByUid(uid) {
    return this.#kept.get(this.#byUid.get(uid));
  }

  async findByUserCode(userCode) {
    return this.#kept.get(this.#byUserCode.get(userCode));
  }

  async consume(id) {
    this.#kept.get(id).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    this.#kept.delete(id);
  }

  async revokeByGrantId(grantId) {
    for (const [id, keeper] of Everything.#grants.get(grantId) ?? []) keeper.#kept.delete(id);
    Everything.#grants.delete(grantId);
  }
}
