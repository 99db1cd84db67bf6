/// An event file of TensorBoard: numbers by step.
///
/// **Source:** tensorflow, `core/util/event.proto` and `core/framework/summary.proto` (the fields' numbers),
/// `core/lib/io/record_writer.h` and `core/lib/hash/crc32c.h` (records and their masked checksums).
public struct EventFile: Sendable {
  /// The name of such a file in a run's folder: TensorBoard reads those that hold "tfevents".
  public static let name = "events.out.tfevents"

  /// What the file holds.
  public private(set) var bytes: [UInt8] = []

  /// A file without numbers.
  ///
  /// - Parameter time: when its run began, in seconds since 1970.
  public init(time: Double) {
    var event = ProtocolMessage()
    event.add(1, double: time)
    event.add(3, bytes: Array("brain.Event:2".utf8))
    addRecord(event.bytes)
  }

  /// Adds the numbers of a step.
  ///
  /// - Parameters:
  ///   - step: number of the step.
  ///   - time: when it ended, in seconds since 1970.
  ///   - scalars: values by their tags; the part of a tag before a slash is its group.
  public mutating func add(step: Int, time: Double, _ scalars: [(tag: String, value: Double)]) {
    var summary = ProtocolMessage()
    for scalar in scalars {
      var value = ProtocolMessage()
      value.add(1, bytes: Array(scalar.tag.utf8))
      value.add(2, float: Float(scalar.value))
      summary.add(1, bytes: value.bytes)
    }
    var event = ProtocolMessage()
    event.add(1, double: time)
    event.add(2, number: UInt64(step))
    event.add(5, bytes: summary.bytes)
    addRecord(event.bytes)
  }

  /// Length, its checksum, content, its checksum.
  private mutating func addRecord(_ content: [UInt8]) {
    let length = littleEndianBytes(UInt64(content.count))
    bytes += length + Self.checksum(length) + content + Self.checksum(content)
  }

  /// Masked, because a checksum of bytes that hold their own checksum says little.
  private static func checksum(_ bytes: [UInt8]) -> [UInt8] {
    let checksum = crc32c(bytes)
    return littleEndianBytes((checksum >> 15 | checksum << 17) &+ 0xA282_EAD8)
  }
}
