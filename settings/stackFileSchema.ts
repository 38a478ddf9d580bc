/** A stack file in words that editors understand, made from the settings' own schema. `npm run schema` writes it. */
import { z } from "zod";
import { plainSchema, secretSchema } from "./schema";

type JsonSchema = Record<string, unknown>;

/** `pulumi config set --secret` writes it. */
const encrypted = {
    type: "object",
    properties: { secure: { type: "string" } },
    required: ["secure"],
    additionalProperties: false,
    description: "encrypted: pulumi config set --secret",
};

/** JSON Schema for `Pulumi.*.yaml`. It knows keys, kinds and ranges; the rules between keys are told at preview. */
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
                        schema,
                    ]),
                ),
                // Other packages' settings, but no misspelt ones of this program.
                patternProperties: { "^(?!sms:)": {} },
                additionalProperties: false,
                required: ["sms:environment"],
            },
            secretsprovider: { type: "string" },
            encryptedkey: { type: "string" },
            encryptionsalt: { type: "string" },
        },
    };
}

/** What a pool of workers doesn't say isn't what the program would choose, but what `sms:worker` says. */
function withoutDefaults(schema: JsonSchema | undefined): JsonSchema {
    return JSON.parse(JSON.stringify(schema, (key, value) => (key === "default" ? undefined : value)));
}
