import { execa } from "execa";
import { nodeNetwork } from "../../machine/kubernetes";
import { freePort } from "../../machine/ports";
import { addressesIn } from "./addresses";

/** The address and port of an instance. */
export interface Place {
    readonly address: string;
    readonly port: number;
}

/** The addresses that may connect to a place. */
interface Admission {
    readonly place: Place;
    readonly from: readonly string[];
}

/** The network on which the cloud's instances run. */
export interface Site {
    /** A free place in the vSwitch: none of `taken`. `port` is the cloud's port for this kind of instance. */
    place(port: number, vSwitchCidr: string, taken: readonly Place[]): Promise<Place>;
    /** The DNS name of the instance `id` at `place`. */
    domain(id: string, suffix: string, place: Place): string;
    /** Adds the place's address to the network. Call it again after a power cut. */
    settle(place: Place): Promise<void>;
    leave(place: Place): Promise<void>;
    /** The prefix of a command that listens at a place. */
    before(): Promise<readonly string[]>;
    /** Allows the listed addresses at each place. As in the cloud, packets from other addresses are dropped. */
    admit(admissions: readonly Admission[]): Promise<void>;
}

/** The stores' addresses are on the node's loopback interface. Pods reach them there, and keep their own source addresses. */
const label = "lo:sms-cloud";
const chain = "SMS-CLOUD";
const jump = ["INPUT", "--jump", chain];

/** Runs a command of this host in the node's network. */
async function inNetwork(command: readonly string[], options: { input?: string; reject?: boolean } = {}) {
    const [first = "", ...rest] = [...(await nodeNetwork()), ...command];
    return execa(first, rest, options);
}

/** The machine's node: an address for each instance, behind a packet filter. Needs root. */
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
    // The name contains the address, so the cluster's DNS needs no list of names.
    domain: (id, suffix, { address }) => `${id}x${address.replaceAll(".", "x")}.${suffix}`,
    settle: async ({ address }) => {
        await inNetwork(["ip", "address", "replace", `${address}/32`, "dev", "lo", "label", label]);
    },
    leave: async ({ address }) => {
        await inNetwork(["ip", "address", "delete", `${address}/32`, "dev", "lo"], { reject: false });
    },
    async admit(admissions) {
        // RETURN, not ACCEPT: the packets must still pass the other rules, such as those of the cluster's NetworkPolicies.
        const rules = admissions.flatMap(({ place: { address, port }, from }) => [
            `-A ${chain} -d ${address} -m conntrack --ctstate ESTABLISHED -j RETURN`,
            ...from.map((source) => `-A ${chain} -s ${source} -d ${address} -p tcp --dport ${port} -j RETURN`),
            `-A ${chain} -d ${address} -j DROP`,
        ]);
        // The line with the chain's name makes iptables-restore empty and fill the chain in one atomic step.
        const lines = ["*filter", `:${chain} - [0:0]`, ...rules];
        await inNetwork(["iptables-restore", "--noflush", "--wait"], { input: `${lines.join("\n")}\nCOMMIT\n` });
        const { failed } = await inNetwork(["iptables", "--wait", "--check", ...jump], { reject: false });
        if (failed) {
            await inNetwork(["iptables", "--wait", "--insert", ...jump]);
        }
    },
};

/** Ports of the loopback interface, for tests without root. It has no packet filter. */
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
