import { createHash } from 'node:crypto';

const TTL = 30_000;
const MAX_KEYS = 10_000;

const QUERY = {
    name: 'api-key',
    text: `select k.account_id, k.scopes, k.expires_at, a.events_limit
           from agentvista.api_keys k
                join agentvista.accounts a on a.id = k.account_id
           where k.key_hash = $1 and k.revoked_at is null`,
};

/* API keys by their SHA-256, remembered for half a minute. */
export class Keys {
    #pool;
    #cache = new Map();

    constructor(pool) {
        this.#pool = pool;
    }

    async find(token) {
        const hash = createHash('sha256').update(token).digest();
        const id = hash.toString('base64');
        const now = Date.now();

        let entry = this.#cache.get(id);

        if (entry === undefined || entry.until <= now) {
            entry = { until: now + TTL, key: this.#load(hash) };
            entry.key.catch(() => this.#cache.delete(id));
            this.#remember(id, entry);
        }

        const key = await entry.key;

        if (key === null || (key.expiresAt && key.expiresAt <= now)) {
            return null;
        }

        return key;
    }

    #remember(id, entry) {
        if (this.#cache.size >= MAX_KEYS) {
            this.#cache.delete(this.#cache.keys().next().value);
        }

        this.#cache.set(id, entry);
    }

    async #load(hash) {
        const { rows } = await this.#pool.query({ ...QUERY, values: [hash] });

        if (rows.length === 0) {
            return null;
        }

        const [row] = rows;

        return {
            accountId: row.account_id,
            scopes: row.scopes,
            expiresAt: row.expires_at?.getTime() ?? null,
            eventsLimit: row.events_limit === null
                ? null : BigInt(row.events_limit),
        };
    }
}
