import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { state } from "../../toolchain/places";
import { writeWhole } from "./files";

/** The bridge for builds of the machine's own dockerd. Not docker0: another daemon may own it, and would take it over when it starts. */
export const buildBridge = "sms-docker";
const buildCidr = "10.88.32.1/20";
const forwarding = "/proc/sys/net/ipv4/ip_forward";
const forwardingBefore = join(state, "ip_forward-before");

/** Prepares this host's network for the machine's own dockerd. */
export async function ensureDockerNetwork(): Promise<void> {
    if (!existsSync(forwardingBefore)) {
        writeWhole(forwardingBefore, readFileSync(forwarding, "utf8"));
    }
    // Before dockerd starts: if dockerd itself turns forwarding on, it also drops forwarded packets of other networks.
    writeFileSync(forwarding, "1");
    await execa("ip", ["link", "add", buildBridge, "type", "bridge"], { reject: false });
    await execa("ip", ["address", "replace", buildCidr, "dev", buildBridge]);
    await execa("ip", ["link", "set", buildBridge, "up"]);
}

/** Removes everything that `ensureDockerNetwork` and the machine's own dockerd have added. dockerd must have ended. */
export async function removeDockerNetwork(): Promise<void> {
    if (!existsSync(forwardingBefore)) {
        return;
    }
    await execa("ip", ["link", "delete", buildBridge], { reject: false });
    const { stdout } = await execa("iptables-save");
    const kept = stdout.split("\n").filter((line) => !["DOCKER", buildBridge].some((word) => line.includes(word)));
    await execa("iptables-restore", [], { input: `${kept.join("\n")}\n` });
    writeFileSync(forwarding, readFileSync(forwardingBefore, "utf8"));
}
