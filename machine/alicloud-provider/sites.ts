import { createServer } from "node:net";
import { execa } from "execa";
import { nodeNetwork } from "../kubernetes";
import { addressesIn } from "./addresses";

/** Where an instance listens. */
export interface Place {
    readonly address: string;
    readonly port: number;
}

/** Who may connect to a place. */
export interface Admission {
    readonly place: Place;
    readonly from: readonly string[];
}

/** What the cloud's instances run on. */
export interface Site {
    /** Somewhere in the vSwitch that none of `taken` is. `port` is the one that the cloud gives such an instance. */
    place(port: number, vSwitchCidr: string, taken: readonly Place[]): Promise<Place>;
    /** The name by which the instance `id` is found at `place`. */
    domain(id: string, suffix: string, place: Place): string;
    /** Gives the place its address, again after a power cut. */
    settle(place: Place): Promise<void>;
    leave(place: Place): Promise<void>;
    /** What comes before a command that listens at a place. */
    before(): Promise<readonly string[]>;
    /** Lets in whom each place admits and, as the cloud does, answers nobody else. */
    admit(admissions: readonly Admission[]): Promise<void>;
}

/** The stores' addresses are the node's, on its loopback: pods reach them, and are known there by their own addresses. */
const label = "lo:sms-cloud";
const chain = "SMS-CLOUD";
const jump = ["INPUT", "--jump", chain];

/** Runs a command of this host in the node's network. */
async function inNetwork(command: readonly string[], options: { input?: string; reject?: boolean } = {}) {
    const [first = "", ...rest] = [...(await nodeNetwork()), ...command];
    return execa(first, rest, options);
}

/** The node of the machine: an address for each instance and a packet filter in front. Needs root. */
export const machineSite: Site = {
    before: nodeNetwork,
    async place(port, vSwitchCidr, taken) {
        const used = new Set(taken.map(({ address }) => address));
        for (const address of addressesIn(vSwitchCidr)) {
            if (!used.has(address)) {
                return { address, port };
            }
        }
        throw new Error(`All addresses of ${vSwitchCidr} are taken`);
    },
    // The name carries the address: the cluster's DNS needs no list of them.
    domain: (id, suffix, { address }) => `${id}x${address.replaceAll(".", "x")}.${suffix}`,
    settle: async ({ address }) => {
        await inNetwork(["ip", "address", "replace", `${address}/32`, "dev", "lo", "label", label]);
    },
    leave: async ({ address }) => {
        await inNetwork(["ip", "address", "delete", `${address}/32`, "dev", "lo"], { reject: false });
    },
    async admit(admissions) {
        // Who is let in has still to pass what else there is: the cluster's NetworkPolicies.
        const rules = admissions.flatMap(({ place: { address, port }, from }) => [
            `-A ${chain} -d ${address} -m conntrack --ctstate ESTABLISHED -j RETURN`,
            ...from.map((source) => `-A ${chain} -s ${source} -d ${address} -p tcp --dport ${port} -j RETURN`),
            `-A ${chain} -d ${address} -j DROP`,
        ]);
        // All or nothing: with its name stated the chain is emptied and filled in one step.
        const lines = ["*filter", `:${chain} - [0:0]`, ...rules];
        await inNetwork(["iptables-restore", "--noflush", "--wait"], { input: `${lines.join("\n")}\nCOMMIT\n` });
        const { failed } = await inNetwork(["iptables", "--wait", "--check", ...jump], { reject: false });
        if (failed) {
            await inNetwork(["iptables", "--wait", "--insert", ...jump]);
        }
    },
};

/** Ports of the loopback, for tests without root. Everybody is let in. */
export const loopbackSite: Site = {
    before: async () => [],
    async place(cloudPort, vSwitchCidr, taken) {
        const port = await freePort();
        return taken.some((place) => place.port === port) ? this.place(cloudPort, vSwitchCidr, taken) : { address: "127.0.0.1", port };
    },
    domain: (_id, _suffix, { address }) => address,
    settle: async () => {},
    leave: async () => {},
    admit: async () => {},
};

function freePort(): Promise<number> {
    return new Promise((done, fail) => {
        const server = createServer().once("error", fail);
        server.listen(0, "127.0.0.1", () => {
            const { port } = server.address() as { port: number };
            server.close(() => done(port));
        });
    });
}
