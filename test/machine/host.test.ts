/** The host under the machine, in new Linux namespaces. Only root can make them. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { clone } from "../../toolchain/places";
import { assertRefused } from "./refused";

/** A shell in new Linux namespaces, which runs the preparation and then executes the command. */
const inNamespaces = (preparation: string, ...namespaces: string[]) => [
    "unshare",
    ...namespaces,
    "sh",
    "-ec",
    `${preparation}; exec "$@"`,
    "sh",
];
const withoutDocker = "mount -t tmpfs none /run";

describe("npm run up", () => {
    it("refuses a user that is not root where no docker daemon answers", async () => {
        await assertRefused(["unshare", "--user"], /nothing was changed[\s\S]*No docker daemon answers[\s\S]*Only root/);
    });

    it("refuses a host that has the cluster of an earlier version", async () => {
        const etc = mkdtempSync(join(tmpdir(), "etc-"));
        const earlier = `cp -a /etc/. ${etc}; mkdir -p ${etc}/kubernetes; touch ${etc}/kubernetes/made-by-sms-machine; mount --bind ${etc} /etc`;
        await assertRefused(inNamespaces(earlier, "--mount"), /nothing was changed[\s\S]*An earlier version[\s\S]*npm run down/);
        rmSync(etc, { recursive: true });
    });

    it("refuses a host whose ports are in use, and names each of them", async () => {
        const taken = `${withoutDocker}; ip link set lo up; for port in 31090 31091; do python3 -m http.server --bind 127.0.0.1 $port & done; sleep 1`;
        const wrapper = inNamespaces(taken, "--mount", "--net", "--pid", "--fork", "--kill-child");
        await assertRefused(
            wrapper,
            /nothing was changed[\s\S]*Port 31090 on 127\.0\.0\.1 is taken[\s\S]*Port 31091 on 127\.0\.0\.1 is taken/,
        );
    });

    it("refuses a docker daemon that has another user's machine", async () => {
        // Without the state, this user looks like another user.
        const stranger = inNamespaces("mount -t tmpfs none /var/lib/sms-machine", "--mount");
        await assertRefused(stranger, /nothing was changed[\s\S]*has a machine of somebody else/);
    });
});

describe("npm run down", () => {
    it("removes the rules of its own docker daemon from the packet filter, and keeps all others", async () => {
        const script = `
            mount -t tmpfs none /var/lib/sms-machine
            iptables -N OTHER
            iptables -A FORWARD -s 192.0.2.1 -j OTHER
            before=$(iptables --list-rules; ip -brief link; cat /proc/sys/net/ipv4/ip_forward)
            node -r ./register.cjs -e 'require("./lab/machine/network").ensureDockerNetwork()'
            iptables -N DOCKER
            iptables -A FORWARD -o sms-docker -j DOCKER
            node -r ./register.cjs -e 'require("./lab/machine/network").removeDockerNetwork()'
            after=$(iptables --list-rules; ip -brief link; cat /proc/sys/net/ipv4/ip_forward)
            test "$before" = "$after" || { echo "$before"; echo ---; echo "$after"; exit 1; }`;
        // In new Linux namespaces, so that the machine keeps running.
        const { exitCode, all } = await execa("unshare", ["--net", "--mount", "sh", "-ec", script], {
            cwd: clone,
            all: true,
            reject: false,
        });
        assert.equal(exitCode, 0, all);
    });
});
