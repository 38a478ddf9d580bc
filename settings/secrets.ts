/** Rules for secrets besides their form: each is set, used, encrypted, and in one place only. */
import { passwordFault } from "./credentials";
import { Commands, keyOf, type Problem } from "./problems";
import { isSecret, type RawSettings } from "./raw";
import type { SecretKey } from "./schema";
import { type Values, valueAt } from "./valueAt";
import { credential } from "./values";

export function secretProblems(raw: RawSettings, values: Values): Problem[] {
    const commands = new Commands(raw.stack);
    return [
        ...missingOrUnused(values, commands),
        ...unfitPasswords(values, commands),
        ...wronglyKept(raw, values, commands),
        ...setTwice(values, commands),
    ];
}

/** The kind of a block that the file doesn't have. */
const notGiven = "undefined";

/** Secrets that are needed but missing, and secrets that are set but not needed. */
function missingOrUnused(values: Values, commands: Commands): Problem[] {
    const missing = (key: SecretKey, reason: string) => ({
        key: keyOf([key]),
        message: `is missing; ${reason}`,
        fix: commands.setSecret([key]),
    });
    const unused = (key: SecretKey, reason: string) => ({
        key: keyOf([key]),
        message: `is not used, ${reason}; allowed: none`,
        fix: commands.removeSecret([key]),
    });
    const needs = (place: string[], key: SecretKey, need: { by: string[]; notBy: string[]; isOptional?: boolean }) => {
        const given = valueAt(values, place);
        // A block may have a key `toString`.
        const kind = typeof given === "string" ? given : String(JSON.stringify(given));
        const reason = `as ${keyOf(place)} is ${kind === notGiven ? "not given" : kind}`;
        const isGiven = values[key] !== undefined;
        if (need.by.includes(kind)) {
            return isGiven || need.isOptional ? [] : [missing(key, `needed ${reason}`)];
        }
        return isGiven && need.notBy.includes(kind) ? [unused(key, reason)] : [];
    };
    const isAnonymous = valueAt(values, ["registry", "kind"]) === "anonymous";
    const registry = isAnonymous
        ? needs(["registry", "kind"], "registryPassword", { by: [], notBy: ["anonymous"] })
        : values.registryPassword === undefined
          ? [missing("registryPassword", "needed to push and to pull the image")]
          : [];
    const stores = (["redis", "mongo"] as const).flatMap((store) => [
        ...needs([store, "kind"], `${store}Password`, { by: ["cluster", "managed"], notBy: ["external"] }),
        ...needs([store, "kind"], `${store}Url`, { by: ["external"], notBy: ["cluster", "managed"] }),
    ]);
    const logs = ["logs", "ship", "to", "kind"];
    return [
        ...registry,
        ...stores,
        ...needs(logs, "logsAccessKeySecret", { by: ["sls"], notBy: ["otlp", notGiven] }),
        ...needs(logs, "logsAuthorization", { by: ["otlp"], notBy: ["sls", notGiven], isOptional: true }),
    ];
}

/** Faults of the stores' passwords. The allowed characters depend on the store's kind. */
function unfitPasswords(values: Values, commands: Commands): Problem[] {
    return (["redis", "mongo"] as const).flatMap((store) => {
        const key = `${store}Password` as const;
        const password = values[key];
        const fault = password === undefined ? undefined : passwordFaults[String(valueAt(values, [store, "kind"]))]?.(password);
        const message = `has a value (not shown); allowed: ${fault}`;
        return fault === undefined ? [] : [{ key: keyOf([key]), message, fix: commands.setSecret([key]) }];
    });
}

const passwordFaults: Record<string, (password: unknown) => string | undefined> = {
    cluster: (password) => credential(12).safeParse(password).error?.issues[0]?.message,
    managed: (password) => passwordFault(String(password)),
};

/** Secrets in plain text, and encrypted values in keys that don't keep them secret. */
function wronglyKept(raw: RawSettings, values: Values, commands: Commands): Problem[] {
    return Object.keys(values).flatMap((key) => {
        if (isSecret(key) && !raw.encrypted.has(key)) {
            return [
                {
                    key: keyOf([key]),
                    message:
                        "is a secret in plain text; allowed: encrypted only. If the file was ever shared, change the secret itself too",
                    fix: ["secretEnv", "clientTokens"].includes(key)
                        ? commands.replaceBySecret([key], [key, "NAME"])
                        : commands.setSecret([key]),
                },
            ];
        }
        if (!isSecret(key) && raw.encrypted.has(key)) {
            return [
                {
                    key: keyOf([key]),
                    message:
                        "holds an encrypted value, which would not stay secret here; allowed: plain values. Secret variables go into sms:secretEnv",
                    fix: commands.remove([key]),
                },
            ];
        }
        return [];
    });
}

/** Variables that are set both in plain text and as a secret. Nobody should have to guess which value a process gets. */
function setTwice(values: Values, commands: Commands): Problem[] {
    const secretNames = Object.keys(Object(values.secretEnv));
    const pools = Object.keys(Object(values.workerPools)).map((name) => ["workerPools", name, "env"]);
    const places = [["env"], ["web", "env"], ["worker", "env"], ...pools, ["beat", "env"]];
    return places.flatMap((place) =>
        Object.keys(Object(valueAt(values, place)))
            .filter((name) => secretNames.includes(name))
            .map((name) => ({
                key: keyOf([...place, name]),
                message: "is in sms:secretEnv too; allowed: one of the two",
                fix: commands.remove([...place, name]),
            })),
    );
}
