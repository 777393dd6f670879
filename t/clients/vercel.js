// Calls of the Vercel AI SDK, observed by its own telemetry.

'use strict';

const { createOpenAI } = require('@ai-sdk/openai');
const { embed, generateText, jsonSchema, stepCountIs, streamText, tool }
    = require('ai');
const model = require('./model');
const { finish, flush, run, tracing } = require('./telemetry');


function telemetry(functionId) {
    return { isEnabled: true, functionId,
             metadata: { session_id: 'session-1', user_id: 'user-1',
                         plan: 'pro' } };
}


run(async () => {
    const provider = tracing({ resource: { 'service.name': 'vercel' },
                               global: true });
    const openai = createOpenAI({ apiKey: 'none',
                                  baseURL: `${await model.start()}/v1` });

    const { text } = await generateText({
        model: openai.chat('gpt-4o-mini'), temperature: 0.5, maxRetries: 0,
        system: 'Be brief.', prompt: 'How is the weather in Paris?',
        stopWhen: stepCountIs(3),
        tools: {
            get_weather: tool({
                description: 'Tells the weather',
                inputSchema: jsonSchema({
                    type: 'object', properties: { city: { type: 'string' } },
                }),
                execute: async ({ city }) => ({ sky: `clear over ${city}` }),
            }),
        },
        experimental_telemetry: telemetry('ask'),
    });

    const stream = streamText({
        model: openai.chat('gpt-4o-mini'), maxRetries: 0,
        prompt: 'How is the weather in Paris?',
        experimental_telemetry: telemetry('stream'),
    });
    const streamed = await stream.text;

    await embed({
        model: openai.embedding('text-embedding-3-small'), value: 'weather',
        maxRetries: 0, experimental_telemetry: telemetry('embed'),
    });

    await generateText({
        model: openai.chat('gpt-4o-mini'), maxRetries: 0,
        prompt: 'Please fail', experimental_telemetry: telemetry('failing'),
    }).catch(() => {});

    await flush(provider);

    finish({ text, streamed });
});
