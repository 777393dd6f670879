// A chain of LangChain's with a retriever, a model and a tool, observed by
// OpenInference's instrumentation.

'use strict';

const { setTimeout } = require('node:timers/promises');
const { context } = require('@opentelemetry/api');
const model = require('./model');
const { finish, flush, run, tracing } = require('./telemetry');


function chain(baseURL) {
    const { Document } = require('@langchain/core/documents');
    const { ChatPromptTemplate } = require('@langchain/core/prompts');
    const { BaseRetriever } = require('@langchain/core/retrievers');
    const { RunnableLambda, RunnableSequence }
        = require('@langchain/core/runnables');
    const { tool } = require('@langchain/core/tools');
    const { ChatOpenAI } = require('@langchain/openai');

    class Shelf extends BaseRetriever {
        lc_namespace = ['shelf'];

        async _getRelevantDocuments() {
            return [new Document({ pageContent: 'Paris is in France.',
                                   metadata: { page: 7 } })];
        }
    }

    const weather = tool(async ({ city }) => `${city}: sunny`, {
        name: 'get_weather', description: 'Tells the weather',
        schema: { type: 'object', properties: { city: { type: 'string' } } },
    });

    return RunnableSequence.from([
        async ({ question }) => {
            const [page] = await new Shelf().invoke(question);

            return { question, found: page.pageContent };
        },
        ChatPromptTemplate.fromMessages([
            ['system', 'Known: {found}'], ['human', '{question}'],
        ]),
        new ChatOpenAI({ model: 'gpt-4o-mini', temperature: 0.5, apiKey: 'none',
                         maxRetries: 0, configuration: { baseURL } }),
        RunnableLambda.from(async (message) => (
            `${message.content} ${await weather.invoke({ city: 'Paris' })}`
        )),
    ]).withConfig({ runName: 'guide' });
}


run(async () => {
    const { LangChainInstrumentation }
        = require('@arizeai/openinference-instrumentation-langchain');
    const { setSession, setUser } = require('@arizeai/openinference-core');
    const manager = require('@langchain/core/callbacks/manager');

    new LangChainInstrumentation().manuallyInstrument(manager);

    const provider = tracing({ resource: { 'service.name': 'langchain' },
                               global: true });
    const guide = chain(`${await model.start()}/v1`);

    const scope = setUser(setSession(context.active(),
                                     { sessionId: 'session-1' }),
                          { userId: 'user-1' });

    const said = await context.with(scope, () => (
        guide.invoke({ question: 'How is the weather in Paris?' })
    ));

    await setTimeout(50);
    await flush(provider);

    finish({ said });
});
