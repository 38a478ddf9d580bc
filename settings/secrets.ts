/** What is asked of secrets beyond their form: that they are there, used, encrypted, and in one place only. */
import { Commands, keyOf, type Problem } from "./problems";
import { isSecret, type RawSettings, type Values, valueAt } from "./raw";
import type { SecretKey } from "./schema";

export function secretProblems(raw: RawSettings, values: Values): Problem[] {
    const commands = new Commands(raw.stack);
    return [...missingOrUnused(values, commands), ...wronglyKept(raw, values, commands), ...setTwice(values, commands)];
}

/** Secrets that are needed and not there, and those that are there and not needed. */
function missingOrUnused(values: Values, commands: Commands): Problem[] {
    const missing = (key: SecretKey, reason: string) => ({
        key: keyOf([key]),
        message: `is missing; ${reason}`,
        fix: commands.setSecret([key]),
    });
    const unused = (key: SecretKey, reason: string) => ({
        key: keyOf([key]),
        message: `is not used, ${reason}; allowed: none`,
        fix: commands.remove([key]),
    });
    const registry = values.registryPassword === undefined ? [missing("registryPassword", "needed to push and to pull the image")] : [];
    const stores = (["redis", "mongo"] as const).flatMap((store) => {
        const kind = String(valueAt(values, [store, "kind"]));
        const secretOf: Record<string, SecretKey> = { cluster: `${store}Password`, external: `${store}Url` };
        const reason = `as sms:${store}.kind is ${kind}`;
        return Object.entries(secretOf).flatMap(([user, key]) => {
            const isGiven = values[key] !== undefined;
            if (user === kind) {
                return isGiven ? [] : [missing(key, `needed ${reason}`)];
            }
            return isGiven && Object.hasOwn(secretOf, kind) ? [unused(key, reason)] : [];
        });
    });
    return [...registry, ...stores];
}

/** Secrets in plain text, and encrypted values where they wouldn't stay secret. */
function wronglyKept(raw: RawSettings, values: Values, commands: Commands): Problem[] {
    return Object.keys(values).flatMap((key) => {
        if (isSecret(key) && !raw.encrypted.has(key)) {
            return [
                {
                    key: keyOf([key]),
                    message:
                        "is a secret in plain text; allowed: encrypted only. If the file was ever shared, change the secret itself too",
                    fix:
                        key === "secretEnv"
                            ? `${commands.remove([key])} && ${commands.setSecret([key, "NAME"])}`
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

/** Variables given both in plain and as a secret: which one a process would see is nothing to guess about. */
function setTwice(values: Values, commands: Commands): Problem[] {
    const secretNames = Object.keys(Object(values.secretEnv));
    const places = [["env"], ["web", "env"], ["worker", "env"], ["beat", "env"]];
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
