import Fastify from 'fastify';
import pg from 'pg';
import { Keys } from './keys.js';
import { decodeBatch, BatchError } from './decode.js';
import { Store, QuotaExceeded } from './store.js';

const MAX_BODY = 16 * 1024 * 1024;

function unauthorized(reply) {
    reply.header('WWW-Authenticate', 'Bearer');
    return reply.code(401).send({ detail: 'Invalid or missing API key.' });
}

export function buildServer({ slot }) {
    const pool = new pg.Pool({ max: Number(process.env.POOL ?? 8) });
    const keys = new Keys(pool);
    const store = new Store(pool, slot);

    const server = Fastify({ bodyLimit: MAX_BODY, keepAliveTimeout: 75_000 });

    server.addHook('onClose', () => pool.end());

    server.decorateRequest('key', null);

    /* Before the body is read. */
    async function authenticate(request, reply) {
        const header = request.headers.authorization ?? '';

        if (header.slice(0, 7).toLowerCase() !== 'bearer ') {
            return unauthorized(reply);
        }

        const key = await keys.find(header.slice(7));

        if (key === null) {
            return unauthorized(reply);
        }

        if (!key.scopes.includes('write')) {
            return reply.code(403)
                .send({ detail: 'The API key lacks the scope write.' });
        }

        request.key = key;
    }

    const replySchema = {
        200: {
            type: 'object',
            properties: {
                accepted: { type: 'integer' },
                rejected: { type: 'integer' },
                errors: {
                    type: 'array',
                    items: {
                        type: 'object',
                        properties: {
                            index: { type: 'integer' },
                            trace_id: { type: ['string', 'null'] },
                            detail: { type: 'string' },
                        },
                    },
                },
            },
        },
    };

    server.post('/api/v1/traces/batch', {
        onRequest: authenticate,
        schema: { response: replySchema },
    }, async (request) => {
        const batch = decodeBatch(request.body, request.key.accountId);

        if (batch.traces.length > 0) {
            await store.write(request.key, batch);
        }

        return {
            accepted: batch.accepted,
            rejected: batch.errors.length,
            errors: batch.errors,
        };
    });

    server.setErrorHandler((error, request, reply) => {
        if (error instanceof BatchError) {
            return reply.code(400).send({ detail: error.message });
        }

        if (error instanceof QuotaExceeded) {
            return reply.code(429).send({ detail: error.message });
        }

        if (error.statusCode >= 400 && error.statusCode < 500) {
            return reply.code(error.statusCode).send({ detail: error.message });
        }

        console.error(error);
        return reply.code(500).send({ detail: 'Internal server error.' });
    });

    return server;
}
