/** A stack file's JSON Schema for editors, generated from the settings' schema. `npm run schema` writes it. */
import { z } from "zod";
import { plainSchema, secretSchema } from "./schema";

type JsonSchema = Record<string, unknown>;

/** A value that `pulumi config set --secret` writes. */
const encrypted = {
    type: "object",
    properties: { secure: { type: "string" } },
    required: ["secure"],
    additionalProperties: false,
    description: "encrypted: pulumi config set --secret",
};

/** JSON Schema for `Pulumi.*.yaml`. It has keys, kinds and ranges. A preview checks the rules between keys. */
export function stackFileSchema(): JsonSchema {
    const plain = z.toJSONSchema(plainSchema, { io: "input", unrepresentable: "any" }).properties as Record<string, JsonSchema>;
    const secret = Object.fromEntries(
        Object.keys(secretSchema.shape).map((key) => [
            key,
            key === "secretEnv" ? { type: "object", additionalProperties: encrypted } : encrypted,
        ]),
    );
    return {
        $schema: "https://json-schema.org/draft/2020-12/schema",
        title: "A stack of the sms product",
        type: "object",
        properties: {
            config: {
                type: "object",
                properties: Object.fromEntries(
                    Object.entries({ ...plain, workerPools: withoutDefaults(plain.workerPools), ...secret }).map(([key, schema]) => [
                        `sms:${key}`,
                        alsoInQuotes(schema),
                    ]),
                ),
                // Allows other packages' settings, but no misspelt keys of this program.
                patternProperties: { "^(?!sms:)": {} },
                additionalProperties: false,
                required: ["sms:environment"],
            },
            secretsprovider: { type: "string" },
            encryptedkey: { type: "string" },
            encryptionsalt: { type: "string" },
            environment: { description: "environments of Pulumi ESC" },
        },
    };
}

/** If a pool of workers doesn't have a key, the value of `sms:worker` applies, not the schema's default. */
function withoutDefaults(schema: JsonSchema | undefined): JsonSchema {
    return JSON.parse(JSON.stringify(schema, (key, value) => (key === "default" ? undefined : value)));
}

/** For the engine a setting is a text, so `pulumi config set` writes each setting in quotes. */
function alsoInQuotes(schema: JsonSchema | undefined): JsonSchema | undefined {
    const patterns: Record<string, string> = { boolean: "^(true|false)$", integer: "^\\d+$" };
    const pattern = patterns[String(schema?.type)];
    return pattern === undefined ? schema : { anyOf: [schema, { type: "string", pattern }] };
}
