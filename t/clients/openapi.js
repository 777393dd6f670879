// Checks a document of OpenAPI 3.1, and instances against its schemas:
//
//     node openapi.js DOCUMENT < LINES
//
// A line is {"schema": "Name", "value": ...}. Prints {"valid": ..., "errors":
// ..., "verdicts": [true, false, ...]}. Objects must have no members that are
// not in the document, as in t/lib/OpenAPI.pm.

const { readFileSync } = require('fs');
const { pathToFileURL } = require('url');
const Ajv = require('ajv/dist/2020');
const addFormats = require('ajv-formats');

const own = '@seriousme/openapi-schema-validator';

// Closes what the document leaves open to later versions.
function closed(node) {
    if (Array.isArray(node)) {
        return node.map(closed);
    }

    if (node === null || typeof node !== 'object') {
        return node;
    }

    const copy = Object.fromEntries(Object.entries(node).map(
        ([key, value]) => [key, closed(value)]));

    if (node.type === 'object' && node.properties
        && node.additionalProperties === undefined)
    {
        copy.additionalProperties = false;
    }

    return copy;
}

async function main() {
    const document = JSON.parse(readFileSync(process.argv[2]));
    const { Validator } = await import(pathToFileURL(require.resolve(own)));
    const result = await new Validator().validate(
        JSON.parse(JSON.stringify(document)));

    // "strict" objects to keywords that do nothing, which are mistakes
    const ajv = new Ajv({ strict: true, allowUnionTypes: true,
                          strictRequired: false, strictTypes: false });
    addFormats(ajv);
    ajv.addVocabulary(['components']);
    ajv.addSchema({ $id: 'document', components: {
        schemas: closed(document.components.schemas) } });

    const schemas = {};
    const errors = result.valid ? [] : [result.errors];

    for (const name of Object.keys(document.components.schemas)) {
        try {
            schemas[name] = ajv.compile(
                { $ref: `document#/components/schemas/${name}` });
        } catch (error) {
            errors.push(`${name}: ${error.message}`);
        }
    }

    const verdicts = readFileSync(0, 'utf8').split('\n').filter(Boolean)
        .map((line) => {
            const { schema, value } = JSON.parse(line);

            return schemas[schema] ? schemas[schema](value) : null;
        });

    console.log(JSON.stringify({ valid: result.valid, errors, verdicts }));
}

main();
