/**
 * `npm run clients -- add shop --stack online`: adds, rotates and revokes the tokens of clients, which may send messages. A token is
 * generated here, printed once and not stored. The stack file gets its encrypted hash. Changes apply from the next `up`.
 */

import { Argument, InvalidArgumentError } from "@commander-js/extra-typings";
import { exitCode, script, start } from "../cli/command";
import { say } from "../cli/say";
import { type StackName, stackOfBackend, stackOption } from "../cli/stackName";
import { hashesIn, noTokens } from "../settings/clients";
import { clientName } from "../settings/values";
import { clone } from "../toolchain/places";
import { type Backend, backendOf } from "./backend";
import { OperationError } from "./operation";
import { readStackFile } from "./stackFile";
import { hashOf, newToken } from "./tokens";

interface Client {
    readonly name: string;
    readonly stack: StackName;
    readonly backend: Backend;
}

interface Options {
    readonly stack: StackName;
    readonly requestsPerMinute?: string;
    readonly messagesPerDay?: string;
    readonly previous?: true;
}

/** Each command with its function and its own options. */
const deeds = {
    add: { does: add, options: ["requestsPerMinute", "messagesPerDay"] },
    rotate: { does: rotate, options: [] },
    revoke: { does: revoke, options: ["previous"] },
} as const;

async function change(deed: keyof typeof deeds, name: string, options: Options): Promise<number> {
    const { does, options: own } = deeds[deed];
    const others = Object.keys(options).filter((option) => option !== "stack" && !own.some((one) => one === option));
    if (others.length > 0) {
        throw new OperationError(`${deed} takes no ${others.join(", no ")}.`);
    }
    await does(name, options);
    return 0;
}

async function add(name: string, { stack, requestsPerMinute = "600", messagesPerDay = "10000" }: Options): Promise<void> {
    if (Object.hasOwn(clientsIn(stack), name)) {
        throw new OperationError(`Pulumi.${stack.name}.yaml has the client ${name} already; \`rotate\` generates a new token for it.`);
    }
    const client = await clientOf(name, stack);
    for (const [key, value] of Object.entries({ requestsPerMinute, messagesPerDay })) {
        await client.backend.call(["config", "set", "--path", `sms:clients.${name}.${key}`, value, "--stack", stack.qualified]);
    }
    await giveToken(client, []);
}

/** Gives the client a new token. The previous token remains valid; older ones do not. */
async function rotate(name: string, { stack }: Options): Promise<void> {
    const client = await known(name, stack);
    const [newest] = await hashesOf(client);
    await giveToken(client, newest === undefined ? [] : [newest]);
    if (newest !== undefined) {
        say(`The previous token is valid until \`npm run clients -- revoke ${name} --previous --stack ${stack.qualified}\`.`);
    }
}

async function revoke(name: string, { stack, previous }: Options): Promise<void> {
    const client = await known(name, stack);
    const kept = previous ? (await hashesOf(client)).slice(0, 1) : [];
    await write(client, kept);
    say(`${name} has ${kept.length === 0 ? "no token" : "only its newest token"}, ${whenItHolds(stack)}.`);
}

async function clientOf(name: string, stack: StackName): Promise<Client> {
    return { name, stack, backend: await backendOf(readStackFile(clone, stack.name)) };
}

async function known(name: string, stack: StackName): Promise<Client> {
    const names = Object.keys(clientsIn(stack));
    if (!names.includes(name)) {
        throw new OperationError(`Pulumi.${stack.name}.yaml has no client ${name}; it has ${names.join(", ") || "none"}.`);
    }
    return clientOf(name, stack);
}

function clientsIn({ name }: StackName): object {
    return (readStackFile(clone, name).config["sms:clients"] as object | undefined) ?? {};
}

function key({ name }: Client): string {
    return `sms:clientTokens.${name}`;
}

async function hashesOf(client: Client): Promise<string[]> {
    const tokens = (readStackFile(clone, client.stack.name).config["sms:clientTokens"] as object | undefined) ?? {};
    if (!(client.name in tokens)) {
        return [];
    }
    return hashesIn((await client.backend.call(["config", "get", "--path", key(client), "--stack", client.stack.qualified])).trim());
}

async function giveToken(client: Client, others: readonly string[]): Promise<void> {
    const token = newToken();
    await write(client, [hashOf(token), ...others]);
    say(`The token of ${client.name} is valid ${whenItHolds(client.stack)}. It is shown only once and not stored:\n\n  ${token}\n`);
}

/** Passes the hashes on standard input, because other users can read arguments in the process list. */
async function write(client: Client, hashes: readonly string[]): Promise<void> {
    const set = ["config", "set", "--secret", "--path", key(client), "--stack", client.stack.qualified];
    await client.backend.call(set, hashes.join(",") || noTokens);
}

function whenItHolds({ qualified }: StackName): string {
    return `from the next \`npm run deploy -- --stack ${qualified}\` on`;
}

function name(text: string): string {
    const { success, error } = clientName.safeParse(text);
    if (!success) {
        throw new InvalidArgumentError(`Allowed: ${error.issues[0]?.message}.`);
    }
    return text;
}

function number(text: string): string {
    if (!/^\d{1,9}$/.test(text)) {
        throw new InvalidArgumentError("Allowed: a whole number.");
    }
    return text;
}

if (require.main === module) {
    start(
        script("clients", "Adds, rotates and revokes the tokens of the clients that may send messages.")
            .addArgument(new Argument("<deed>", "the command").choices(["add", "rotate", "revoke"] as const))
            .argument("<client>", "the client's name", name)
            .addOption(stackOption(stackOfBackend))
            .option("--requests-per-minute <number>", "with add: the client's limit of requests per minute (600)", number)
            .option("--messages-per-day <number>", "with add: the client's limit of messages per day (10000)", number)
            .option("--previous", "with revoke: revoke only the previous token, not the newest")
            .action(exitCode(change)),
    );
}
