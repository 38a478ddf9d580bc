/** Sends requests to the product on this machine as one of its clients. All requests of the repository's tools are built here. */
import { hashOf, tokenFrom } from "../../operations/tokens";
import { secret } from "./secrets";

/** The client in `Pulumi.local.yaml`. The tests' stacks have it too. */
const machineClient = "local";

/** A client's token on this machine. It is generated at its first use. */
export function tokenOf(client = machineClient): string {
    return tokenFrom(secret(`client-${client}`));
}

/** The token's hash, which a stack file has in `sms:clientTokens`. */
export function tokenHashOf(client: string): string {
    return hashOf(tokenOf(client));
}

/** The header that authenticates a request as the client's. */
export function authorization(client?: string): { Authorization: string } {
    return { Authorization: `Bearer ${tokenOf(client)}` };
}

export interface Message {
    readonly to: string;
    readonly text: string;
}

interface How {
    readonly client?: string;
    /** By default it aborts after 10 s: if a connection is closed before the request is sent, Node's fetch never ends. */
    readonly signal?: AbortSignal;
}

const patience = () => AbortSignal.timeout(10_000);

export function post(address: string, message: Message, { client, signal = patience() }: How = {}): Promise<Response> {
    const headers = { "Content-Type": "application/json", ...authorization(client) };
    return fetch(`${address}/messages`, { method: "POST", headers, body: JSON.stringify(message), signal });
}

/** The status code of a path of the product. Undefined if there is no answer within 5 s. */
export async function statusOf(address: string, path: string): Promise<number | undefined> {
    return (await fetch(`${address}${path}`, { signal: AbortSignal.timeout(5000) }).catch(() => undefined))?.status;
}

/** The product's JSON text about a message, with its status. */
export async function told(address: string, id: string, { client, signal = patience() }: How = {}): Promise<string> {
    return (await fetch(`${address}/messages/${id}`, { headers: authorization(client), signal })).text();
}
