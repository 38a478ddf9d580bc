/** The clients that may send. Their limits are plain settings, and the hashes of their tokens are in Secrets. */
import { Commands, keyOf, type Problem } from "./problems";
import type { Values } from "./valueAt";

/** Problems between clients and their tokens. */
export function clientProblems(stack: string, values: Values): Problem[] {
    const commands = new Commands(stack);
    const clients = namesIn(values.clients);
    const tokens = namesIn(values.clientTokens);
    return [
        ...aDoor(clients, values, commands),
        ...clients
            .filter((name) => !tokens.includes(name))
            .map((name) => ({
                key: keyOf(["clientTokens", name]),
                message: `is missing; needed as ${keyOf(["clients", name])} may send`,
                fix: commands.clients("rotate", name),
            })),
        ...tokens
            .filter((name) => !clients.includes(name))
            .map((name) => ({
                key: keyOf(["clientTokens", name]),
                message: `is not used, as sms:clients has no ${name}; allowed: none`,
                fix: commands.removeSecret(["clientTokens", name]),
            })),
        ...formerClient(clients, values, commands),
    ];
}

/** The service is open to everybody only if the settings say so. */
function aDoor(clients: string[], { openToAnybody }: Values, commands: Commands): Problem[] {
    const isOpen = openToAnybody === true || openToAnybody === "true";
    if (clients.length === 0 && !isOpen) {
        const message = "is missing; allowed: one or more clients that may send";
        return [{ key: "sms:clients", message, fix: commands.clients("add", "NAME") }];
    }
    return clients.length > 0 && isOpen
        ? [
              {
                  key: "sms:openToAnybody",
                  message: "is true; allowed: left out, as sms:clients says who may send",
                  fix: commands.remove(["openToAnybody"]),
              },
          ]
        : [];
}

function formerClient(clients: string[], { formerClient: name }: Values, commands: Commands): Problem[] {
    return name === undefined || clients.includes(String(name))
        ? []
        : [
              {
                  key: "sms:formerClient",
                  message: `is ${JSON.stringify(name)}; allowed: ${["left out", ...clients].join(" or ")}`,
                  fix: commands.remove(["formerClient"]),
              },
          ];
}

function namesIn(block: unknown): string[] {
    return typeof block === "object" && block !== null && !Array.isArray(block) ? Object.keys(block) : [];
}

/** The value in `sms:clientTokens` for a client whose tokens are all revoked. */
export const noTokens = "none";

/** The hashes in one value of `sms:clientTokens`, the newest first. */
export function hashesIn(value: string): string[] {
    return value === noTokens ? [] : value.split(",");
}
