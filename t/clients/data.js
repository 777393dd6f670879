// What signals.js sends: every kind of everything.
//
// A span's id is "trace/span"; at, start and end are seconds after the start.
// Integers beyond 53 bits are such as JSON has the same digits for.

'use strict';

const { SpanKind, SpanStatusCode, ValueType } = require('@opentelemetry/api');

const long = 'lång 🚀 text. '.repeat(20000);


exports.resource = {
    'service.name': 'shop',
    'service.version': '1.2.3',
    'deployment.environment.name': 'tést',
    'process.pid': 4711,
    'process.command_args': ['node', 'shop.js'],
};


exports.scopes = {
    web: { name: 'shop.web', version: '2.0.0',
           schemaUrl: 'https://opentelemetry.io/schemas/1.36.0' },
    work: { name: 'shop.work' },
};


exports.spans = [
    {
        id: 'order/child', parent: 'order/root', scope: 'work',
        name: 'ends before its parent', kind: SpanKind.INTERNAL,
        start: '0.200000001', end: '0.300000002',
        attributes: {
            text: 'plain', empty: '', unicode: 'żółw 🐢 日本語 \u202e',
            quotes: '"\\/\b\f\n\r\t\u0001\u007f', nul: 'a\u0000b',
            surrogate: 'x\ud800y',
            yes: true, no: false,
            zero: 0, negative: -42, large: 9007199254740991,
            beyond: 5e18, below: -5e18,
            fraction: 0.1, tiny: 5e-9, rounded: 3.0, minus: -2.5,
            texts: ['a', '', 'ü'], numbers: [1, -2, 3.5], flags: [true, false],
            none: [], gaps: ['a', null, 'b'],
            'dotted.key.name': 'x', 'key with spaces ✓': 'y',
        },
    },
    {
        id: 'order/root', scope: 'web',
        name: 'POST /orders', kind: SpanKind.SERVER,
        start: '0.123456789', end: '2.987654321',
        attributes: {
            'http.request.method': 'POST', 'url.full': 'http://shop/orders',
            'session.id': 'session-1', 'user.id': 'user-1',
        },
        events: [
            { name: 'received', at: '0.2', attributes: { size: 17 } },
            { name: 'queued ✓', at: '0.200000001' },
            { name: 'kinds', at: '1.5', attributes: {
                text: 'x', yes: true, half: 0.5, list: [1, 2] } },
        ],
    },
    {
        id: 'order/late', parent: 'order/root', scope: 'work',
        name: 'ends after its parent', kind: SpanKind.PRODUCER,
        start: '2.5', end: '4.000000007',
        status: { code: SpanStatusCode.OK },
        attributes: { 'messaging.system': 'kafka' },
    },
    {
        id: 'order/failed', parent: 'order/root', scope: 'work',
        name: 'charge', kind: SpanKind.CLIENT,
        start: '1', end: '1.25',
        status: { code: SpanStatusCode.ERROR, message: 'Karte abgelehnt: ✗' },
        exception: new RangeError('no such card'),
        attributes: { 'db.system.name': 'postgresql',
                      'db.query.text': 'select 1' },
        links: [
            { to: 'payment/gate', attributes: { why: 'asked', n: 3 } },
            { to: 'elsewhere/other', traceState: 'a=1,b=2' },
        ],
    },
    {
        id: 'order/chat', parent: 'order/root', scope: 'work',
        name: 'chat gpt-4o', kind: SpanKind.CLIENT,
        start: '1.3', end: '1.9',
        attributes: {
            'gen_ai.operation.name': 'chat', 'gen_ai.system': 'openai',
            'gen_ai.request.model': 'gpt-4o',
            'gen_ai.response.model': 'gpt-4o-2024-08-06',
            'gen_ai.usage.input_tokens': 1000,
            'gen_ai.usage.output_tokens': 200,
            'gen_ai.request.temperature': 0.5,
            'gen_ai.response.finish_reasons': ['stop'],
            'gen_ai.input.messages':
                '[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]',
            'gen_ai.output.messages':
                '[{"role":"assistant","parts":[{"type":"text",'
                + '"content":"Hello"}],"finish_reason":"stop"}]',
        },
    },
    {
        id: 'order/long', parent: 'order/child', scope: 'work',
        name: 'a moment, with much to say', kind: SpanKind.CONSUMER,
        start: '0.25', end: '0.25',
        attributes: { long },
    },
    {
        id: 'payment/gate', parent: 'payment/browser', remote: true,
        traceState: 'vendor=one,other=two', scope: 'web',
        name: 'żądanie 🚀', kind: SpanKind.SERVER,
        start: '0.9', end: '1.1',
    },
];


exports.logs = [
    { scope: 'web', span: 'order/root', at: '0.3', observed: '0.300009',
      severityNumber: 9, severityText: 'INFO', body: 'order received 🚀',
      attributes: {
          text: 'x', yes: true, number: 1.5, integer: 2 ** 53, none: null,
          bytes: new Uint8Array([0, 1, 254, 255]),
          list: [1, 'two', false, null, [3], { four: 4 }],
          map: { deep: { deeper: [true] }, empty: {} },
      } },
    { scope: 'web', span: 'order/failed', at: '1.25',
      severityNumber: 17, severityText: 'ERROR',
      body: { reason: 'declined', tries: 3, 'a.b': [1.5, null] } },
    { scope: 'work', at: '1.000000001', observed: '1.000002',
      severityText: 'warning',
      body: ['one', 2, { three: 3 }] },
    { scope: 'work', at: '1.5', severityNumber: 1, body: 42 },
    { scope: 'work', at: '1.6', severityNumber: 24, body: true },
    { scope: 'work', at: '1.7', severityNumber: 5,
      body: new Uint8Array([104, 105]) },
    { scope: 'work', at: '1.8', eventName: 'shop.opened',
      attributes: { door: 'front' } },
    { scope: 'work', at: '1.9', severityNumber: 13,
      body: 'nul \u0000 and \ud800 alone' },
    { scope: 'work', at: '2', severityNumber: 18, body: 'caught',
      exception: new TypeError('not a door') },
    { scope: 'work', at: '2.1', severityNumber: 10, body: long },
];


exports.metrics = [
    { scope: 'web', kind: 'Counter', name: 'orders',
      options: { unit: '{order}', description: 'Orders taken ✓' },
      values: [[3, { region: 'eu' }], [4, { region: 'eu' }],
               [2.5, { region: 'us', tier: 'gold', 'is.new': true, n: 7 }]] },
    { scope: 'web', kind: 'Counter', name: 'bytes',
      options: { unit: 'By', valueType: ValueType.INT },
      values: [[2 ** 53 - 1, {}]] },
    { scope: 'web', kind: 'UpDownCounter', name: 'queue',
      options: {}, values: [[5, {}], [-12, {}]] },
    { scope: 'work', kind: 'Gauge', name: 'temperature',
      options: { unit: 'Cel' }, values: [[20, {}], [-0.5, {}]] },
    { scope: 'work', kind: 'ObservableGauge', name: 'load',
      options: {}, values: [[0.25, { cpu: '0' }], [0.75, { cpu: '1' }]] },
    { scope: 'work', kind: 'ObservableCounter', name: 'ticks',
      options: { valueType: ValueType.INT }, values: [[1000, {}]] },
    { scope: 'work', kind: 'ObservableUpDownCounter', name: 'balance',
      options: {}, values: [[-3.5, {}]] },
    { scope: 'web', kind: 'Histogram', name: 'latency',
      options: { unit: 's', advice: {
          explicitBucketBoundaries: [0.1, 0.5, 1] } },
      values: [[0.1, { route: '/' }], [0.2, { route: '/' }],
               [7, { route: '/' }]] },
    { scope: 'web', kind: 'Histogram', name: 'exponential.size',
      options: { unit: 'By' },
      values: [[0, {}], [1, {}], [1.5, {}], [1000000, {}]] },
];
