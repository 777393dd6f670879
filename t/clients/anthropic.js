// Calls of Anthropic's library, observed by the instrumentation that FAMILY
// names: openinference or traceloop.

'use strict';

const { setTimeout } = require('node:timers/promises');
const model = require('./model');
const { finish, flush, run, tracing } = require('./telemetry');

const packages = {
    openinference: '@arizeai/openinference-instrumentation-anthropic',
    traceloop: '@traceloop/instrumentation-anthropic',
};

const { FAMILY } = process.env;


async function calls(client) {
    const asked = { model: 'claude-opus-4-5', max_tokens: 100,
                    system: 'Be brief.', messages: [
        { role: 'user', content: 'How is the weather in Paris?' },
    ] };

    await client.messages.create(asked);

    await client.messages.create({ ...asked, tools: [{
        name: 'get_weather', description: 'Tells the weather',
        input_schema: { type: 'object',
                        properties: { city: { type: 'string' } } },
    }] });

    const stream = await client.messages.create({ ...asked, stream: true });

    for await (const _ of stream) {
        // the instrumentation looks at it
    }
}


run(async () => {
    const { AnthropicInstrumentation } = require(packages[FAMILY]);

    new AnthropicInstrumentation();

    const provider = tracing({ resource: { 'service.name': FAMILY },
                               global: true });
    const Anthropic = require('@anthropic-ai/sdk');

    await calls(new Anthropic({ apiKey: 'none', maxRetries: 0,
                                baseURL: await model.start() }));

    await setTimeout(50);
    await flush(provider);

    finish({});
});
