// Creates a score by AgentMark's own SDK:
//
//     node score.js BASE_URL KEY APP_ID '{"resourceId": ..., "score": ...}'
//
// Prints what score() did: {"result": ...} or {"error": ...}.

const { AgentMarkSDK } = require('@agentmark/sdk');

const [baseUrl, apiKey, appId, score] = process.argv.slice(2);

new AgentMarkSDK({ baseUrl, apiKey, appId }).score(JSON.parse(score)).then(
    (result) => console.log(JSON.stringify({ result: result ?? null })),
    (error) => console.log(JSON.stringify({ error: error.message ?? error })));
