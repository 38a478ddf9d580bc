import assert from "node:assert/strict";
import { refusedChanges } from "../../operations/storeChanges";

const mongo = "alicloud:mongodb/instance:Instance";
const redis = "alicloud:kvstore/instance:Instance";

describe("a change of MongoDB", () => {
    const was = { dbInstanceClass: "mdb.x", engineVersion: "7.0", storageType: "cloud_essd1", dbInstanceStorage: 40, sslAction: "Open" };
    const refused = (next: object) => refusedChanges(mongo, was, { ...was, ...next });

    it("may be another class, a newer version, more storage or cloud_auto", () => {
        assert.deepEqual(refused({ dbInstanceClass: "mdb.y", engineVersion: "8.0", dbInstanceStorage: 50, storageType: "cloud_auto" }), []);
    });

    it("can't be another disk than cloud_auto", () => {
        assert.deepEqual(refused({ storageType: "cloud_essd2" }), [
            "storageType is cloud_essd2 and was cloud_essd1; allowed: cloud_essd1 or cloud_auto",
        ]);
        assert.deepEqual(refusedChanges(mongo, { ...was, storageType: "cloud_auto" }, { ...was, storageType: "cloud_essd1" }), [
            "storageType is cloud_essd1 and was cloud_auto; allowed: cloud_auto",
        ]);
    });

    it("can't go back to an older version", () => {
        assert.deepEqual(refused({ engineVersion: "6.0" }), ["engineVersion is 6.0 and was 7.0; allowed: 7.0 or newer"]);
    });

    it("can't be less storage", () => {
        assert.deepEqual(refused({ dbInstanceStorage: 30 }), ["storageGb is 30 and was 40; allowed: 40 or more"]);
    });

    it("can't end its encryption", () => {
        assert.deepEqual(refused({ sslAction: undefined }), [
            "tls is false and was true; allowed: true: MongoDB's encryption can't be turned off again",
        ]);
    });

    it("is refused with all faults together", () => {
        assert.equal(refused({ engineVersion: "5.0", dbInstanceStorage: 20, storageType: "cloud_essd3" }).length, 3);
    });
});

describe("a change of Redis", () => {
    const was = { instanceClass: "redis.x", engineVersion: "7.0", zoneId: "cn-hangzhou-h", sslEnable: "Enable" };
    const refused = (next: object) => refusedChanges(redis, was, { ...was, ...next });

    it("may be another class, or the end of its encryption", () => {
        assert.deepEqual(refused({ instanceClass: "redis.y", sslEnable: "Disable" }), []);
    });

    it("can't go back to an older version", () => {
        assert.deepEqual(refused({ engineVersion: "6.0" }), ["engineVersion is 6.0 and was 7.0; allowed: 7.0 or newer"]);
    });

    it("may be another zone, but not while it is encrypted", () => {
        assert.deepEqual(refused({ zoneId: "cn-hangzhou-i" }), [
            "zone is cn-hangzhou-i and was cn-hangzhou-h; allowed: cn-hangzhou-h while tls is true",
        ]);
        assert.deepEqual(refused({ zoneId: "cn-hangzhou-i", sslEnable: "Disable" }), []);
    });
});
