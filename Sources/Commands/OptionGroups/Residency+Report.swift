public import Compute
public import JSON
internal import Reports

extension Residency {
  /// What a person is told, a line each.
  public var lines: [String] {
    [weights, ring, host, Self.encoders, account].compactMap(\.self)
  }

  private var weights: String {
    let all = Readable.count(blockCount, "block")
    return residentBlockCount == blockCount
      ? "\(device): all \(all) stay there, \(Readable.bytes(residentByteCount)) of weights"
      : "\(device): the last \(residentBlockCount) of \(all) stay there, "
        + "\(Readable.bytes(residentByteCount)) of weights"
  }

  private var ring: String? {
    guard slotCount > 0 else { return nil }
    return "the first \(blockCount - residentBlockCount) go through a ring of "
      + "\(Readable.count(slotCount, "slot")) of \(Readable.bytes(slotByteCount)), "
      + "\(Readable.bytes(streamedByteCount)) for every sweep over the blocks, copied "
      + (copiesBesideComputing
        ? "while others are computed"
        : "before each is computed: this device does not copy beside computing")
  }

  private var host: String {
    (hostByteCount > 0
      ? "\(Readable.bytes(hostByteCount)) of layers that make modulation stay on the host; " : "")
      + (hostsAutoencoder
        ? "the autoencoder stays on the host" : "the autoencoder is computed there")
  }

  private static let encoders =
    "text encoders are computed there, a layer at a time, but for those whose layers are too large for that"

  private var account: String? {
    memory.map { memory in
      "takes about \(Readable.bytes(byteCount)) of \(Readable.bytes(memory.free)) that are free there"
    }
  }

  /// What programs are told: `device` in the answers of `--dry-run --json`, docs/devices.md.
  public var json: JSONValue {
    func number(_ count: Int) -> JSONValue { .integer(Int64(count)) }
    return [
      "name": .string(device), "blocks": number(blockCount),
      "resident_blocks": number(residentBlockCount), "resident_bytes": number(residentByteCount),
      "ring": slotCount == 0
        ? .null
        : [
          "slots": number(slotCount), "slot_bytes": number(slotByteCount),
          "streamed_bytes": number(streamedByteCount),
          "copies_beside_computing": .bool(copiesBesideComputing),
        ],
      "widened_bytes": number(widenedByteCount), "beside_bytes": number(besideByteCount),
      "reserve_bytes": number(reserveByteCount), "bytes": number(byteCount),
      "free_bytes": memory.map { number($0.free) } ?? .null,
      "total_bytes": memory.map { number($0.total) } ?? .null,
      "host": .object([
        "modulation_bytes": number(hostByteCount),
        "autoencoder": .bool(hostsAutoencoder),
      ]),
    ]
  }
}
