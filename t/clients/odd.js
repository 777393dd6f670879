// Sends two spans, one of which has numbers that JSON and 64 bits do not have.

'use strict';

const { finish, flush, run, tracing } = require('./telemetry');


run(async () => {
    const provider = tracing({ resource: { 'service.name': 'odd' } });
    const tracer = provider.getTracer('odd');

    const odd = tracer.startSpan('odd', { attributes: {
        nan: NaN, infinity: Infinity, minus: -Infinity, large: 2 ** 64,
        huge: 1e300, list: [1.5, NaN],
    } });
    odd.end();

    const even = tracer.startSpan('even');
    even.end();

    await flush(provider);
    finish({ odd: odd.spanContext(), even: even.spanContext() });
});
