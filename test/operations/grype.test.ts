import assert from "node:assert/strict";
import { atLeast, type Fault, faultsIn, listed, onlyIn } from "../../operations/grype";
import { comparison } from "../../operations/newFaults";

const match = (id: string, severity: string | undefined, name: string, version = "1.0") => ({
    vulnerability: { id, severity, fix: { versions: ["2.0"], state: "fixed" } },
    artifact: { name, version },
});
const fault = (id: string, severity: string, name: string, version = "1.0"): Fault => ({
    id,
    severity,
    package: name,
    version,
    fixedIn: "2.0",
});

describe("the known faults of an image", () => {
    it("are grype's, the worst first, each once", () => {
        const matches = [
            match("CVE-1", "Low", "zlib1g"),
            match("GHSA-2", "Critical", "flask"),
            match("GHSA-2", "Critical", "flask"),
            match("CVE-3", undefined, "libc6"),
            match("CVE-4", "High", "openssl"),
            match("CVE-4", "High", "libssl3"),
        ];
        assert.deepEqual(faultsIn(JSON.stringify({ matches })), [
            fault("GHSA-2", "critical", "flask"),
            fault("CVE-4", "high", "libssl3"),
            fault("CVE-4", "high", "openssl"),
            fault("CVE-1", "low", "zlib1g"),
            fault("CVE-3", "unknown", "libc6"),
        ]);
    });

    it("count from a severity on", () => {
        const faults = ["unknown", "negligible", "low", "medium", "high", "critical"].map((severity) => fault("CVE-1", severity, "a"));
        const severities = (level: string) => atLeast(level, faults).map(({ severity }) => severity);
        assert.deepEqual(severities("high"), ["high", "critical"]);
        assert.deepEqual(severities("low"), ["low", "medium", "high", "critical"]);
    });

    it("are listed, twenty at most", () => {
        assert.equal(listed([fault("CVE-1", "high", "a")]), "  high: a 1.0, CVE-1, fixed in 2.0");
        const many = Array.from({ length: 23 }, (_, index) => fault(`CVE-${index}`, "high", "a"));
        assert.deepEqual(listed(many).split("\n").slice(19), ["  high: a 1.0, CVE-19, fixed in 2.0", "  and 3 more"]);
    });
});

describe("a rollback's warning", () => {
    it("names the faults that only the older image has, whatever the version of their package", () => {
        const older = [fault("CVE-1", "high", "a", "1.0"), fault("CVE-2", "high", "a", "1.0"), fault("CVE-2", "low", "b")];
        const newer = [fault("CVE-1", "high", "a", "1.1"), fault("CVE-3", "critical", "c")];
        const only = onlyIn(older, newer);
        assert.deepEqual(only, [fault("CVE-2", "high", "a"), fault("CVE-2", "low", "b")]);
        assert.match(
            comparison(only),
            /^WARNING: the older image has 2 known faults that the one that runs hasn't:\n {2}high: a 1\.0, CVE-2/,
        );
    });

    it("says that there is none", () => {
        assert.equal(comparison([]), "The older image has no known fault that the one that runs hasn't.");
    });
});
