/*
 * POST /api/v1/traces/batch as a Node.js service, for comparison: the same
 * contract (agentvista.md 4) on the same tables, written as one would write it
 * for production.  Two processes; Postgres from the PG* environment variables.
 *
 *     PORT=8081 PGHOST=... node server.js
 */

import cluster from 'node:cluster';
import { buildServer } from './app.js';

const PROCESSES = Number(process.env.PROCESSES ?? 2);
const PORT = Number(process.env.PORT ?? 8081);

if (cluster.isPrimary) {
    for (let i = 0; i < PROCESSES; i++) {
        cluster.fork({ SLOT: String(i) });
    }

    cluster.on('exit', () => process.exit(1));

    const stop = () => {
        cluster.removeAllListeners('exit');
        cluster.disconnect(() => process.exit(0));
    };

    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);

} else {
    const server = buildServer({ slot: Number(process.env.SLOT) });

    process.on('disconnect', () => server.close());

    await server.listen({ host: '127.0.0.1', port: PORT });
}
