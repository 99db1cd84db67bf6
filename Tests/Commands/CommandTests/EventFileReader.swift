import TestSupport
import Testing

/// What a test reads in an event file, by the definitions and none of the code that writes it.
struct EventFileReader {
  struct Event: Equatable {
    var step = 0
    var time = 0.0
    var version: String?
    var scalars: [String: Float] = [:]
  }

  let events: [Event]

  /// Reads every record: length, masked checksum, content, masked checksum.
  init(_ bytes: [UInt8]) throws {
    var events: [Event] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      let length = rest.prefix(8)
      let count = Int(Self.number(length))
      try #require(rest.count >= count + 16)
      let content = rest.dropFirst(12).prefix(count)
      #expect(Self.number(rest.dropFirst(8).prefix(4)) == Self.maskedChecksum(length))
      #expect(
        Self.number(rest.dropFirst(12 + count).prefix(4)) == Self.maskedChecksum(content))
      events.append(try Self.event(content))
      rest = rest.dropFirst(count + 16)
    }
    self.events = events
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Long division by 0x1EDC6F41, bit by bit, each byte's lowest bit first.
  private static func maskedChecksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    var remainder = UInt32.max
    for byte in bytes {
      for bit in 0..<8 {
        let carry = remainder >> 31 ^ UInt32(byte >> bit & 1)
        remainder = remainder << 1 ^ (carry == 1 ? 0x1EDC_6F41 : 0)
      }
    }
    var reflected: UInt32 = 0
    for bit in 0..<32 where ~remainder >> bit & 1 == 1 { reflected |= 1 << (31 - bit) }
    let rotated = UInt64(reflected >> 15 | reflected << 17)
    return (rotated + 0xA282_EAD8) % (1 << 32)
  }

  private enum Field {
    case number(UInt64)
    case bytes(ArraySlice<UInt8>)
  }

  /// The fields of a protocol buffer.
  private static func fields(_ bytes: ArraySlice<UInt8>) throws -> [(Int, Field)] {
    var rest = bytes
    func variable() throws -> UInt64 {
      var (value, shift) = (UInt64(0), UInt64(0))
      while let byte = rest.popFirst() {
        value |= UInt64(byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 { return value }
      }
      throw Truncated()
    }
    func take(_ count: Int) throws -> ArraySlice<UInt8> {
      guard rest.count >= count else { throw Truncated() }
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count)
    }
    var fields: [(Int, Field)] = []
    while !rest.isEmpty {
      let key = try variable()
      let field: Field =
        switch key & 7 {
        case 0: .number(try variable())
        case 1: .number(number(try take(8)))
        case 2: .bytes(try take(Int(variable())))
        case 5: .number(number(try take(4)))
        default: throw Truncated()
        }
      fields.append((Int(key >> 3), field))
    }
    return fields
  }

  private struct Truncated: Error {}

  private static func event(_ bytes: ArraySlice<UInt8>) throws -> Event {
    var event = Event()
    for field in try fields(bytes) {
      switch field {
      case (1, .number(let bits)): event.time = Double(bitPattern: bits)
      case (2, .number(let step)): event.step = Int(step)
      case (3, .bytes(let text)): event.version = String(decoding: text, as: UTF8.self)
      case (5, .bytes(let summary)):
        for case (1, .bytes(let value)) in try fields(summary) {
          let parts = try fields(value)
          guard parts.count == 2, case (1, .bytes(let tag)) = parts[0],
            case (2, .number(let bits)) = parts[1]
          else { throw Truncated() }
          event.scalars[String(decoding: tag, as: UTF8.self)] = Float(bitPattern: UInt32(bits))
        }
      default: throw Truncated()
      }
    }
    return event
  }
}
