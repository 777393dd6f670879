// A model server on a port of the loopback interface, which speaks as much of
// OpenAI's and Anthropic's APIs as the programs need: answers, streamed or
// whole, calls of tools, embeddings, and errors for messages that say "fail".

'use strict';

const http = require('node:http');
const { once } = require('node:events');

const words = ['It is ', 'sunny ', 'in Paris.'];
const text = words.join('');
const tool = { name: 'get_weather', arguments: '{"city":"Paris"}' };

// Tokens of an answer, and of one that calls a tool.
const usage = { answer: [25, 7], tool: [82, 17], embedding: [5, 0] };

const error = { type: 'requests', code: 'rate_limit_exceeded',
                message: 'Too many requests' };


// The model that answers has a date in its name.
function dated(model) {
    const dates = { 'gpt-4o-mini': '-2024-07-18',
                    'claude-opus-4-5': '-20251101' };

    return model + (dates[model] || '');
}


function wantsTool({ tools, messages, input }) {
    const items = messages || [].concat(input);
    const last = items[items.length - 1];

    return tools && tools.length > 0 && last.role !== 'tool'
           && last.type !== 'function_call_output'
           && !JSON.stringify(last).includes('tool_result');
}


function openaiUsage(kind) {
    const [prompt, completion] = usage[kind];

    return { prompt_tokens: prompt, completion_tokens: completion,
             total_tokens: prompt + completion,
             prompt_tokens_details: { cached_tokens: 10 },
             completion_tokens_details: { reasoning_tokens: 2 } };
}


function chat(body) {
    const called = wantsTool(body);
    const head = { id: 'chatcmpl-1', created: 1700000000,
                   model: dated(body.model) };
    const call = { id: 'call_1', type: 'function', function: tool };
    const finish = called ? 'tool_calls' : 'stop';
    const counts = openaiUsage(called ? 'tool' : 'answer');

    if (!body.stream) {
        const message = called
            ? { role: 'assistant', content: null, tool_calls: [call] }
            : { role: 'assistant', content: text };

        return { ...head, object: 'chat.completion', usage: counts,
                 choices: [{ index: 0, message, finish_reason: finish,
                             logprobs: null }] };
    }

    const chunk = (delta, reason = null) => ({
        ...head, object: 'chat.completion.chunk',
        choices: [{ index: 0, delta, finish_reason: reason }],
    });
    const asked = body.stream_options && body.stream_options.include_usage;

    return [
        chunk({ role: 'assistant', content: called ? null : '' }),
        ...(called ? [chunk({ tool_calls: [{ index: 0, ...call }] })]
                   : words.map((word) => chunk({ content: word }))),
        chunk({}, finish),
        ...(asked ? [{ ...chunk({}), choices: [], usage: counts }] : []),
        '[DONE]',
    ];
}


function responses(body) {
    const [input, output] = usage.answer;

    return {
        id: 'resp_1', object: 'response', created_at: 1700000000,
        status: 'completed', model: dated(body.model), tools: [], error: null,
        output: [{ type: 'message', id: 'msg_1', role: 'assistant',
                   status: 'completed',
                   content: [{ type: 'output_text', text,
                               annotations: [] }] }],
        usage: { input_tokens: input, output_tokens: output,
                 total_tokens: input + output,
                 input_tokens_details: { cached_tokens: 10 },
                 output_tokens_details: { reasoning_tokens: 2 } },
    };
}


function embeddings(body) {
    return {
        object: 'list', model: body.model,
        data: [].concat(body.input).map((_, index) => ({
            object: 'embedding', index,
            embedding: body.encoding_format === 'base64'
                ? Buffer.from(new Float32Array([0.5, -0.5]).buffer)
                        .toString('base64')
                : [0.5, -0.5],
        })),
        usage: { prompt_tokens: 5, total_tokens: 5 },
    };
}


function messages(body) {
    const called = wantsTool(body);
    const [input, output] = usage[called ? 'tool' : 'answer'];
    const block = called
        ? { type: 'tool_use', id: 'toolu_1', name: tool.name,
            input: JSON.parse(tool.arguments) }
        : { type: 'text', text };
    const message = { id: 'msg_1', type: 'message', role: 'assistant',
                      model: dated(body.model), stop_sequence: null,
                      stop_reason: called ? 'tool_use' : 'end_turn' };

    if (!body.stream) {
        return { ...message, content: [block],
                 usage: { input_tokens: input, output_tokens: output } };
    }

    return [
        { type: 'message_start',
          message: { ...message, content: [], stop_reason: null,
                     usage: { input_tokens: input, output_tokens: 1 } } },
        { type: 'content_block_start', index: 0,
          content_block: { type: 'text', text: '' } },
        ...words.map((word) => ({
            type: 'content_block_delta', index: 0,
            delta: { type: 'text_delta', text: word },
        })),
        { type: 'content_block_stop', index: 0 },
        { type: 'message_delta',
          delta: { stop_reason: 'end_turn', stop_sequence: null },
          usage: { output_tokens: output } },
        { type: 'message_stop' },
    ];
}


const routes = { '/v1/chat/completions': chat, '/v1/responses': responses,
                 '/v1/embeddings': embeddings, '/v1/messages': messages };


function send(response, answer) {
    if (!Array.isArray(answer)) {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(answer));
        return;
    }

    response.writeHead(200, { 'content-type': 'text/event-stream' });

    for (const event of answer) {
        const data = typeof event === 'string' ? event : JSON.stringify(event);

        response.write((event.type ? `event: ${event.type}\n` : '')
                       + `data: ${data}\n\n`);
    }

    response.end();
}


async function serve(request, response) {
    let body = '';

    for await (const piece of request) {
        body += piece;
    }

    const route = routes[request.url.split('?')[0]];

    if (!route || body.includes('fail')) {
        response.writeHead(route ? 429 : 404,
                           { 'content-type': 'application/json' });
        response.end(JSON.stringify({ type: 'error', error }));
        return;
    }

    send(response, route(JSON.parse(body)));
}


// Returns its address.
async function start() {
    const server = http.createServer(serve).listen(0, '127.0.0.1');

    await once(server, 'listening');

    return `http://127.0.0.1:${server.address().port}`;
}


module.exports = { start };
