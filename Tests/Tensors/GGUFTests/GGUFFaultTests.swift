import GGUF
import Testing

/// Headers made by hand, one for each rule.
@Suite("The rules of a GGUF header")
struct GGUFFaultTests {
  /// Little-endian bytes put one after another.
  struct Bytes {
    var all: [UInt8] = []

    mutating func add(_ value: some FixedWidthInteger) {
      for shift in stride(from: 0, to: value.bitWidth, by: 8) {
        all.append(UInt8(truncatingIfNeeded: value >> shift))
      }
    }

    mutating func add(_ text: String) {
      add(UInt64(text.utf8.count))
      all += Array(text.utf8)
    }

    mutating func addTensor(
      _ name: String, dimensions: [UInt64], type: UInt32 = 0, offset: UInt64 = 0
    ) {
      add(name)
      add(UInt32(dimensions.count))
      dimensions.forEach { add($0) }
      add(type)
      add(offset)
    }

    /// A file of that many tensors and keys; the body adds them. Data of 4096 bytes follow.
    static func file(
      version: UInt32 = 3, tensors: UInt64 = 0, keys: UInt64 = 0, _ body: (inout Bytes) -> Void
    ) -> [UInt8] {
      var bytes = Bytes(all: Array("GGUF".utf8))
      bytes.add(version)
      bytes.add(tensors)
      bytes.add(keys)
      body(&bytes)
      return bytes.all + Array(repeating: 0, count: (32 - bytes.all.count % 32) % 32 + 4096)
    }
  }

  private func fault(_ file: [UInt8]) -> String? {
    do { try unsafe GGUFFile.check(file.span.bytes) } catch { return error.description }
    return nil
  }

  private func tensor(
    _ dimensions: [UInt64], type: UInt32 = 0, offset: UInt64 = 0, name: String = "w"
  ) -> [UInt8] {
    Bytes.file(tensors: 1) {
      $0.addTensor(name, dimensions: dimensions, type: type, offset: offset)
    }
  }

  private func key(_ kind: UInt32, _ body: (inout Bytes) -> Void) -> [UInt8] {
    Bytes.file(keys: 1) {
      $0.add("k")
      $0.add(kind)
      body(&$0)
    }
  }

  @Test func versions() {
    #expect(fault(Bytes.file(version: 2) { _ in }) == nil)
    #expect(
      fault(Bytes.file(version: 1) { _ in })
        == "GGUF version 1, expected 2 or 3; convert it anew with current tools")
    #expect(
      fault(Bytes.file(version: 0x0300_0000) { _ in })
        == "a big-endian GGUF file, which is not read; expected little-endian, version 2 or 3")
  }

  @Test func sizesThatWrap() {
    let huge: UInt64 = 1 << 32
    for dimensions in [
      [huge, huge], [huge, huge, 0], [0, huge, huge], [1 << 62, 4], [1 << 62, 2],
    ] {
      #expect(fault(tensor(dimensions))?.contains("more") == true, "\(dimensions)")
    }
    #expect(
      fault(tensor([1 << 63]))
        == "tensor 'w': a size of \(1 << 63 as UInt64), expected less than 2^63")
    #expect(fault(tensor([.max, .max]))?.contains("a size of") == true)
    #expect(fault(tensor([0, 1 << 40])) == nil)
  }

  @Test func sizesBeyondTheFile() {
    #expect(
      fault(tensor([1 << 60]))
        == "truncated: 4160 of \((1 << 62) + 64) bytes are there; download or copy it again")
    // The first tensor's end, its padding included, would be past 2^63.
    let file = Bytes.file(tensors: 2) {
      $0.addTensor("a", dimensions: [(1 << 61) - 1])
      $0.addTensor("b", dimensions: [1], offset: (1 << 63) - 32)
    }
    #expect(fault(file)?.contains("expected an end before 2^63") == true)
  }

  @Test func blocksAndTypes() {
    #expect(
      fault(tensor([48], type: 8))
        == "tensor 'w': rows of 48 elements, "
        + "expected whole blocks of 32 (Q8_0) that a file can hold")
    #expect(fault(tensor([256, 2], type: 12)) == nil)
    #expect(fault(tensor([], type: 0)) == nil)
    #expect(fault(tensor([], type: 8))?.contains("rows of 1 elements") == true)
    for type: UInt32 in [4, 5, 31, 32, 33, 36, 42, 1000, .max] {
      #expect(fault(tensor([32], type: type))?.contains("type \(type)") == true)
    }
  }

  @Test func names() {
    #expect(fault(tensor([1], name: String(repeating: "n", count: 127))) == nil)
    #expect(
      fault(tensor([1], name: String(repeating: "n", count: 128)))
        == "tensor 1 of 1: a tensor's name of 128 bytes, expected at most 127")
    let duplicate = Bytes.file(keys: 2) {
      for _ in 0..<2 {
        $0.add("k")
        $0.add(UInt32(0))
        $0.add(UInt8(0))
      }
    }
    #expect(fault(duplicate) == "key 'k' given twice")
    // Equal to Swift, and yet other bytes.
    let canonical = Bytes.file(keys: 2) {
      for name in ["\u{E9}", "e\u{301}"] {
        $0.add(name)
        $0.add(UInt32(0))
        $0.add(UInt8(0))
      }
    }
    #expect(fault(canonical) == nil)
  }

  @Test func arrays() {
    #expect(
      fault(
        key(9) {
          $0.add(UInt32(9))
          $0.add(UInt64(0))
        }) == "key 'k': arrays in an array, expected an array of scalars")
    for kind: UInt32 in 0...12 where kind != 9 {
      let file = key(9) {
        $0.add(kind)
        $0.add(UInt64(1_000_000_000))
      }
      #expect(fault(file)?.contains("1000000000 elements of an array, but only") == true)
    }
    let truth = key(9) {
      $0.add(UInt32(7))
      $0.add(UInt64(2000))
      $0.all += Array(repeating: 1, count: 1999) + [2]
    }
    #expect(fault(truth) == "key 'k': a truth value of 2, expected 0 or 1")
  }

  @Test func alignment() {
    for (value, isRight) in [(1, true), (64, true), (1 << 31, true), (0, false), (24, false)]
      as [(UInt32, Bool)]
    {
      let file = Bytes.file(keys: 1) {
        $0.add("general.alignment")
        $0.add(UInt32(4))
        $0.add(value)
      }
      #expect((fault(file) == nil) == isRight)
    }
  }

  @Test func countsBeyondTheFile() {
    #expect(
      fault(Bytes.file(tensors: .max) { _ in })
        == "the first bytes: \(UInt64.max) tensors, but only 4112 bytes follow")
    #expect(fault(Bytes.file(keys: 1 << 40) { _ in })?.contains("keys, but only") == true)
    #expect(
      fault([]) == "truncated: its 0 bytes end inside the header, in the first bytes; "
        + "is the download complete?")
  }
}
