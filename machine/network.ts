import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { writeWhole } from "./files";
import { logs, state } from "./places";

/** An address of the machine's own for the API server: it stays the same whatever network the host is in. */
export const apiAddress = "10.88.0.1";
export const podCidr = "10.88.64.0/18";
export const serviceCidr = "10.88.128.0/18";

const podBridge = "sms0";
/** Of dockerd's builds. docker0 may be another daemon's, which takes it away when it starts. */
export const buildBridge = "sms-docker";
const buildCidr = "10.88.32.1/20";
const forwarding = "/proc/sys/net/ipv4/ip_forward";
const forwardingBefore = join(state, "ip_forward-before");

/** The comment by which `down` knows a rule. */
const ownRule = "sms-machine";

const hasOwnDocker = () => existsSync(join(logs, "dockerd.log"));

/** A bridge for pods, one for builds, and the API server's address on the loopback. */
export async function ensureNetwork(): Promise<void> {
    const cni = join(state, "cni");
    mkdirSync(cni, { recursive: true });
    writeFileSync(
        join(cni, "10-sms-machine.conflist"),
        JSON.stringify({
            cniVersion: "0.4.0",
            name: "sms-machine",
            plugins: [
                {
                    type: "bridge",
                    bridge: podBridge,
                    isGateway: true,
                    ipMasq: true,
                    hairpinMode: true,
                    ipam: {
                        type: "host-local",
                        dataDir: join(state, "cni-addresses"),
                        ranges: [[{ subnet: podCidr }]],
                        routes: [{ dst: "0.0.0.0/0" }],
                    },
                },
                { type: "portmap", capabilities: { portMappings: true } },
            ],
        }),
    );
    await execa("ip", ["address", "replace", `${apiAddress}/32`, "dev", "lo"]);
    if (!existsSync(forwardingBefore)) {
        writeWhole(forwardingBefore, readFileSync(forwarding, "utf8"));
    }
    // Before dockerd starts: it would turn forwarding on itself, and drop what it doesn't know.
    writeFileSync(forwarding, "1");
    await execa("ip", ["link", "add", buildBridge, "type", "bridge"], { reject: false });
    await execa("ip", ["address", "replace", buildCidr, "dev", buildBridge]);
    await execa("ip", ["link", "set", buildBridge, "up"]);
    await refuseUnknownServices();
    await letPodsThrough();
}

/**
 * What kube-proxy knows isn't addressed to a Service any more when it gets here. What it doesn't know yet would leave the machine, and
 * whoever answers there would be taken for the store or the server that was asked for.
 */
async function refuseUnknownServices(): Promise<void> {
    for (const chain of ["FORWARD", "OUTPUT"]) {
        await ensureRule("--insert", chain, "--destination", serviceCidr, "--jump", "REJECT");
    }
}

/**
 * Where dockerd has set the FORWARD policy to DROP. The CNI's own plugin for it inserts its rules before those of kube-proxy when that
 * was faster, and then a Service with no pods isn't refused: the packet leaves the machine.
 */
async function letPodsThrough(): Promise<void> {
    for (const side of ["--source", "--destination"]) {
        await ensureRule("--append", "FORWARD", side, podCidr, "--jump", "ACCEPT");
    }
}

async function ensureRule(where: "--insert" | "--append", ...words: string[]): Promise<void> {
    const rule = [...words, "--match", "comment", "--comment", ownRule];
    const { exitCode } = await execa("iptables", ["--check", ...rule], { reject: false });
    if (exitCode !== 0) {
        await execa("iptables", [where, ...rule]);
    }
}

/** Takes back the addresses, links and packet filter rules that pods, kube-proxy and dockerd have added. */
export async function removeNetwork(): Promise<void> {
    if (!existsSync(forwardingBefore)) {
        return;
    }
    const tolerant = { reject: false };
    await execa("ip", ["address", "delete", `${apiAddress}/32`, "dev", "lo"], tolerant);
    for (const bridge of [podBridge, buildBridge]) {
        await execa("ip", ["link", "delete", bridge], tolerant);
    }
    const chains = ["KUBE-", "CNI-", ownRule, ...(hasOwnDocker() ? ["DOCKER", buildBridge] : [])];
    const { stdout } = await execa("iptables-save");
    const kept = stdout.split("\n").filter((line) => !chains.some((chain) => line.includes(chain)));
    await execa("iptables-restore", [], { input: `${kept.join("\n")}\n` });
    // Named by the rules that have just gone.
    const { stdout: sets } = await execa("ipset", ["list", "-name"], tolerant);
    for (const set of (sets ?? "").split("\n").filter((name) => /^KUBE-(SRC|DST)-/.test(name))) {
        await execa("ipset", ["destroy", set], tolerant);
    }
    writeFileSync(forwarding, readFileSync(forwardingBefore, "utf8"));
}
