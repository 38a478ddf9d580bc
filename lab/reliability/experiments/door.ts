import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { hashOf, newToken } from "../../../operations/tokens";
import { MachineError } from "../../../toolchain/progress";
import { authorization, post } from "../../machine/client";
import { pause } from "../cluster";
import type { Count, Experiment, Form, Side, Stage, Trial } from "../experiment";
import { type Answer, Attack, accepted, failureNotes, isFailed, percentile, type Request, write, writes } from "../load";
import type { Product } from "../product";

interface Sizes {
    rounds: number;
    /** The duration of each round's abuse, and of the quiet time before it. */
    seconds: number;
    /**
     * Requests a second: `honest` is the honest client, `strangers` have no valid token, `flood` is one client above its limit, and
     * `curious` reads other clients' messages.
     */
    rates: Record<"honest" | "strangers" | "flood" | "curious", number>;
    idleConnections: number;
    slowSenders: number;
}

const sizes: Record<Form, Sizes> = {
    // 10,000 requests in addition to the honest ones, at a rate that leaves the machine's two cores some idle time. The load's own
    // processes run on these cores, too.
    full: { rounds: 10, seconds: 20, rates: { honest: 20, strangers: 25, flood: 15, curious: 10 }, idleConnections: 1000, slowSenders: 40 },
    short: { rounds: 1, seconds: 10, rates: { honest: 10, strangers: 15, flood: 15, curious: 10 }, idleConnections: 100, slowSenders: 20 },
};

const floodLimit = 60;
const clients = {
    rotated: {},
    curious: {},
    // Its bodies never end, so it sends no messages.
    slow: {},
    flood: { requestsPerMinute: floodLimit },
};

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** Requests that must all be refused: without a token, with a wrong one, or with one that is no longer valid. */
function strangersRequests(address: string, id: string): Request[] {
    const honest = write(address);
    const strangers: Record<string, string>[] = [
        {},
        bearer("sms_wrong"),
        bearer(""),
        { Authorization: "Basic c21zOnNtcw==" },
        // These tokens were valid before the storm: one of a removed client, and one that was replaced.
        authorization("revoked"),
        authorization("rotated"),
        { ...bearer("sms_wrong"), "X-Forwarded-For": "127.0.0.1", "X-Forwarded-User": "local", "X-Original-URL": "/healthz" },
    ];
    return strangers.flatMap((headers) => [
        { ...honest, headers },
        { ...honest, body: { ...honest.body, text: "x".repeat(100_000) }, headers },
        { method: "GET", url: `${address}/messages/${id}`, headers },
        ...["PUT", "DELETE", "PATCH", "TRACE"].map((method) => ({ method, url: `${address}/messages/${id}`, headers })),
        ...["/metrics", "/messages", "//messages", "/messages/..%2f..%2fetc%2fpasswd", "/admin"].map((path) => ({
            method: "GET",
            url: `${address}${path}`,
            headers,
        })),
    ]);
}

/** Idle connections, bodies that never end, and data that is no valid request. `end` returns the answers. */
class Nuisances {
    readonly heard: string[] = [];
    private readonly sockets: Socket[] = [];

    constructor(private readonly address: string) {}

    async begin({ idleConnections, slowSenders }: Sizes): Promise<void> {
        const head = `POST /messages HTTP/1.1\r\nHost: sms\r\nContent-Type: application/json\r\n`;
        const token = `Authorization: ${authorization("slow").Authorization}\r\n`;
        const json = JSON.stringify({ to: "+8613800138000", text: "nuisance" });
        const whole = (headers: string, body: string | Buffer) =>
            Buffer.concat([Buffer.from(`${head}${token}${headers}Content-Length: ${body.length}\r\n\r\n`), Buffer.from(body)]);
        const said = [
            ...Array.from({ length: idleConnections }, () => ""),
            ...Array.from({ length: slowSenders }, () => `${head}${token}Content-Length: 100\r\n\r\n{`),
            ...Array.from({ length: slowSenders }, () => `${head}Content-Length: 100\r\n\r\n{`),
            `${head}${token}Transfer-Encoding: chunked\r\n\r\n${"4000\r\n".concat("x".repeat(0x4000), "\r\n").repeat(64)}`,
            `${head}${token}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n`,
            `${head}${token}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`,
            `GET /messages/x\r\nX: y HTTP/1.1\r\nHost: sms\r\n\r\n`,
            `GET / HTTP/1.1\r\nHost: sms\r\nX-Long: ${"y".repeat(100_000)}\r\n\r\n`,
            `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03`,
            whole("Content-Encoding: gzip\r\n", "\x1f\x8b"),
            whole("", `{"to": "+8613800138000", "text": ${"[".repeat(8000)}`),
            whole("", json.replace("nuisance", "\\ud800")),
            whole("", Buffer.from(json, "utf16le")),
            whole("Idempotency-Key: a\u0001b\r\n", json),
        ];
        for (const bytes of said) {
            await this.say(bytes);
        }
    }

    private async say(bytes: string | Buffer): Promise<void> {
        const { hostname, port } = new URL(this.address);
        const socket = connect(Number(port), hostname);
        let answer = "";
        socket.on("data", (chunk) => {
            answer += chunk.toString("latin1");
        });
        socket.on("close", () => answer !== "" && this.heard.push(answer));
        // A refused or broken connection counts as an answer, too.
        socket.on("error", () => {});
        await Promise.race([once(socket, "connect"), pause(5)]);
        socket.write(bytes);
        this.sockets.push(socket);
    }

    async end(): Promise<string[]> {
        for (const socket of this.sockets) {
            socket.destroy();
        }
        await pause(1);
        return this.heard;
    }
}

/** Checks that two clients are accepted. Then replaces the token of one, and removes the other. */
async function takeTokensAway(product: Product): Promise<void> {
    await product.configure({ clients: { ...clients, revoked: {} } });
    await upAndDrained(product);
    for (const client of ["revoked", "rotated"]) {
        const { status } = await post(product.address, { to: "+8613800138000", text: "door" }, { client });
        if (status !== 202) {
            throw new MachineError(`The client ${client} is refused before its token is removed: ${status}`);
        }
    }
    await product.configure({ clients });
    await product.stack.setSecret("sms:clientTokens.rotated", hashOf(newToken()));
    await upAndDrained(product);
}

/** Waits until the old pods have ended, because they accept the old tokens on their open connections. */
async function upAndDrained(product: Product): Promise<void> {
    await product.up();
    await product.cluster.drained("sms-web");
}

/** Changes to the copy of the program, by protection. */
const edits: Record<string, { file: string; edit: (code: string) => string }> = {
    tokens: {
        file: "app/sms/door.py",
        edit: (code) =>
            code
                .replace("found = None\n", "found = self._tokens[0][0]\n")
                .replace('if found is None or scheme.lower() != "bearer":', "if found is None:"),
    },
    limits: {
        file: "app/sms/allowance.py",
        edit: (code) => code.replace("elif self._is_exhausted() or self._spent >= self._limit:", "elif False:"),
    },
    owners: {
        file: "app/sms/web.py",
        edit: (code) => code.replace("if client.owns(id):", "if True:"),
    },
};

async function trial(stage: Stage, side: Side, form: Form): Promise<Trial> {
    const product = await stage.product();
    const edit = side.kind === "without" ? edits[side.protection] : undefined;
    if (edit !== undefined) {
        product.stack.edit(edit.file, edit.edit);
    }
    try {
        await takeTokensAway(product);
        return await storm(product, side, sizes[form]);
    } finally {
        if (edit !== undefined) {
            product.stack.restore(edit.file);
        }
        await product.configure();
        await product.up();
    }
}

const restartsOf = async ({ cluster }: Product) =>
    (await cluster.livingPods("sms-web")).reduce((sum, { status }) => sum + (status.containerStatuses?.[0]?.restartCount ?? 0), 0);

interface Round {
    readonly alone: readonly Answer[];
    readonly busy: readonly Answer[];
    readonly strangers: readonly Answer[];
    readonly flood: readonly Answer[];
    readonly looked: readonly Answer[];
    readonly sameKey: readonly Answer[];
    /** The answers to the idle connections and malformed requests. */
    readonly heard: readonly string[];
    /** The minutes since 1970 in which the flood came. */
    readonly minutes: readonly number[];
}

const answersIn = async (seconds: number, requests: readonly Request[], rate: number) =>
    (await Attack.start({ requests, rate, seconds, keepAlive: true })).answers();

/** The honest client alone, and then beside all others. `victim` is a message of the honest client with an Idempotency-Key. */
async function round(address: string, size: Sizes, victim: { id: string; key: string }): Promise<Round> {
    const { seconds, rates } = size;
    const answersTo = (requests: readonly Request[], rate: number) => answersIn(seconds, requests, rate);
    const honestly = () => answersTo(writes(address), rates.honest);
    const message = write(address);
    const curious = authorization("curious");

    const alone = await honestly();
    const looks = accepted(alone)
        .slice(0, 200)
        .map((id) => ({ method: "GET", url: `${address}/messages/${id}`, headers: curious }));
    const nuisances = new Nuisances(address);
    await nuisances.begin(size);
    const start = minuteNow();
    const [busy, strangers, flood, looked, sameKey] = await Promise.all([
        honestly(),
        answersTo(strangersRequests(address, victim.id), rates.strangers),
        answersTo([{ ...message, headers: authorization("flood") }], rates.flood),
        answersTo(looks, rates.curious),
        answersTo([{ ...message, headers: { ...curious, "Idempotency-Key": victim.key } }], 1),
    ]);
    const minutes = Array.from({ length: minuteNow() - start + 1 }, (_, index) => start + index);
    return { alone, busy, strangers, flood, looked, sameKey, heard: await nuisances.end(), minutes };
}

const minuteNow = () => Math.floor(Date.now() / 60_000);

async function storm(product: Product, side: Side, size: Sizes): Promise<Trial> {
    const { address, gateway } = product;
    const takenBefore = gateway.count;
    const restartsBefore = await restartsOf(product);
    const key = randomUUID();
    const ownRequest = { ...write(address), headers: { ...authorization(), "Idempotency-Key": key } };
    const [own] = accepted(await answersIn(1, [ownRequest], 1));
    if (own === undefined) {
        throw new MachineError("The honest client's message is refused before the abuse");
    }

    const rounds: Round[] = [];
    for (let index = 0; index < size.rounds; index++) {
        rounds.push(await round(address, size, { id: own, key }));
    }
    const all = (part: Exclude<keyof Round, "heard" | "minutes">) => rounds.flatMap((each) => each[part]);
    const quiet = all("alone");
    const busy = all("busy");
    const strangers = all("strangers");
    const flood = all("flood");
    const looked = all("looked");
    const sameKey = all("sameKey");
    const heard = rounds.flatMap((each) => each.heard);
    const allowed = floodLimit * new Set(rounds.flatMap(({ minutes }) => minutes)).size;

    const letIn = new Set([own, ...[quiet, busy, flood, sameKey].flatMap(accepted)]);
    const unsent = await product.unsent(accepted(busy), 90);
    const failedInside = ({ status }: Answer) => status >= 500;
    const abuse = [...strangers, ...flood, ...looked, ...sameKey];
    const group = "";
    const count = (what: string, value: number, goal?: number): Count => ({ group, what, value, goal });
    return {
        counts: [
            count("requests without a valid token", strangers.length),
            count(
                "requests without a valid token that were not refused (status below 400)",
                strangers.filter((answer) => !isFailed(answer)).length,
                0,
            ),
            // If the body is too long, the server may close the connection while the client still sends.
            count("requests without a valid token that got no answer", strangers.filter(({ status }) => status === 0).length),
            count("reads of other clients' messages", looked.length),
            count("reads of other clients' messages that succeeded", looked.filter((answer) => !isFailed(answer)).length, 0),
            count("messages that another client got with the same Idempotency-Key", accepted(sameKey).filter((id) => id === own).length, 0),
            count("requests of a client with a limit of 60 per minute", flood.length),
            count("requests accepted above this limit", Math.max(0, accepted(flood).length - allowed), 0),
            count("idle connections and requests with a body that never ends", size.rounds * (size.idleConnections + 2 * size.slowSenders)),
            count(
                "answers to all of these with a status of 500 or above",
                abuse.filter(failedInside).length + heard.filter((text) => / 5\d\d /.test(firstLine(text))).length,
                0,
            ),
            count("answers with a stack trace", heard.filter((text) => text.includes("Traceback")).length, 0),
            count("messages at the gateway that web did not accept", Math.max(0, gateway.count - takenBefore - letIn.size), 0),
            count("restarts of web", (await restartsOf(product)) - restartsBefore, 0),
            count("requests of the honest client during the abuse", busy.length),
            count("failed requests of the honest client", busy.filter(isFailed).length, 0),
            count("messages of the honest client not sent at the end", unsent.length + gateway.lost(accepted(busy)), 0),
            { group, what: "p99 of the honest client alone, ms", value: percentile(quiet, 0.99) },
            { group, what: "p99 of the honest client during the abuse, ms", value: percentile(busy, 0.99) },
            {
                group,
                what: "p99 of the honest client during the abuse ÷ p99 alone",
                value: percentile(busy, 0.99) / percentile(quiet, 0.99),
                goal: 1.5,
                isTime: true,
            },
        ],
        notes: failureNotes(side, "the honest client", busy),
    };
}

const firstLine = (text: string) => text.split("\r\n", 1)[0] as string;

export const door: Experiment = {
    name: "door",
    title: "Abusive clients of the API",
    method: [
        "An honest client posts messages at a steady rate: alone for 20 s, then during the requests of abusive clients for 20 s, ten times. So other load on the host slows both equally. The abusive clients send 10,000 requests. The counts show which of them succeed, and how they affect the honest client.",
        [
            "- Clients without a valid token use every path and every method. They send no token, a wrong one, a revoked one, or one that the `up` before replaced.",
            "- One client exceeds its limit by far.",
            "- One client reads messages of other clients and uses the Idempotency-Key of another client.",
            "- Other connections are idle, send a body that never ends, or send oversized and malformed requests.",
        ].join("\n"),
    ].join("\n\n"),
    protections: {
        tokens: "in a copy of the program, a client without a valid token is treated as the first client",
        limits: "in a copy of the program, no limit is enforced",
        owners: "in a copy of the program, a client can read each message whose id it knows",
    },
    trial,
};
