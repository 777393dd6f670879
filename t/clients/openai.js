// Calls of OpenAI's library, of every kind, observed by the instrumentation
// that FAMILY names: openinference, traceloop, traceloop-old or genai.

'use strict';

const { setTimeout } = require('node:timers/promises');
const { context, trace } = require('@opentelemetry/api');
const { AggregationTemporality } = require('@opentelemetry/sdk-metrics');
const model = require('./model');
const { finish, flush, logging, metering, run, tracing }
    = require('./telemetry');

const { FAMILY } = process.env;

const tools = [{
    type: 'function',
    function: { name: 'get_weather', description: 'Tells the weather',
                parameters: { type: 'object',
                              properties: { city: { type: 'string' } } } },
}];


// How each family learns whose call it is.

function openinference() {
    const { OpenAIInstrumentation }
        = require('@arizeai/openinference-instrumentation-openai');
    const { setMetadata, setSession, setTags, setUser }
        = require('@arizeai/openinference-core');

    new OpenAIInstrumentation();

    return {
        around: (call) => context.with(
            setTags(setMetadata(setUser(setSession(context.active(),
                { sessionId: 'session-1' }), { userId: 'user-1' }),
                { plan: 'pro' }), ['one', 'two']), call),
    };
}


// What its SDK, which is too large to be installed here, does besides: these
// are the attributes that it puts on every span of a workflow.
const associations = {
    onStart: (span) => span.setAttributes({
        'traceloop.workflow.name': 'weather',
        'traceloop.association.properties.session_id': 'session-1',
        'traceloop.association.properties.user_id': 'user-1',
        'traceloop.association.properties.plan': 'pro',
    }),
    onEnd: () => {},
    forceFlush: async () => {},
    shutdown: async () => {},
};


function traceloop(name) {
    const { OpenAIInstrumentation } = require(name);

    new OpenAIInstrumentation({ enrichTokens: false });

    return { processors: [associations] };
}


function genai() {
    const { OpenAIInstrumentation }
        = require('@opentelemetry/instrumentation-openai');

    const resource = { 'service.name': FAMILY };
    const logs = logging({ resource });
    const meters = metering({
        resource, temporality: AggregationTemporality.CUMULATIVE,
    });
    const instrumentation
        = new OpenAIInstrumentation({ captureMessageContent: true });

    instrumentation.setLoggerProvider(logs);
    instrumentation.setMeterProvider(meters);

    return {
        others: [logs, meters],
        processors: [{
            ...associations,
            onStart: (span) => span.setAttributes({
                'session.id': 'session-1', 'user.id': 'user-1',
            }),
        }],
    };
}


const families = {
    openinference,
    traceloop: () => traceloop('@traceloop/instrumentation-openai'),
    'traceloop-old': () => traceloop('traceloop-instrumentation-openai-old'),
    genai,
};


async function drain(stream) {
    for await (const _ of stream) {
        // the instrumentation looks at it
    }
}


async function calls(client) {
    const asked = { model: 'gpt-4o-mini', temperature: 0.5, messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'How is the weather in Paris? ☔' },
    ] };

    await client.chat.completions.create(asked);

    const first = await client.chat.completions.create({ ...asked, tools });
    const { message } = first.choices[0];

    await client.chat.completions.create({ ...asked, tools, messages: [
        ...asked.messages, message,
        { role: 'tool', tool_call_id: message.tool_calls[0].id,
          content: '{"sky":"clear"}' },
    ] });

    await drain(await client.chat.completions.create({
        ...asked, stream: true, stream_options: { include_usage: true },
    }));

    await client.embeddings.create({ model: 'text-embedding-3-small',
                                     input: 'weather' });

    await client.chat.completions.create({
        ...asked, messages: [{ role: 'user', content: 'Please fail' }],
    }).catch(() => {});
}


run(async () => {
    const family = families[FAMILY]();
    const around = family.around || ((call) => call());

    const provider = tracing({ resource: { 'service.name': FAMILY },
                               global: true, processors: family.processors });

    const { OpenAI } = require('openai');
    const client = new OpenAI({ apiKey: 'none', maxRetries: 0,
                                baseURL: `${await model.start()}/v1` });

    const tracer = trace.getTracer('test');

    await around(() => tracer.startActiveSpan('weather', async (span) => {
        await calls(client);
        span.end();
    }));

    // The span of a call that failed may end after its promise.
    await setTimeout(50);

    for (const each of [provider, ...(family.others || [])]) {
        await flush(each);
    }

    finish({});
});
