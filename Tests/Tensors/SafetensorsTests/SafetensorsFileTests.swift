import Elements
import Failures
import Files
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Opening a safetensors file")
struct SafetensorsFileTests {
  let folder: TemporaryFolder
  let file: FilePath

  init() throws {
    folder = try TemporaryFolder()
    file = folder.path.appending("x.safetensors")
  }

  /// The error of a file with this header and data.
  private func error(_ header: String, data: Int = 4) throws -> SafetensorsError? {
    try folder.write(fileBytes(header: header, dataCount: data), to: "x.safetensors")
    do {
      _ = try SafetensorsFile(opening: file)
      return nil
    } catch let error as SafetensorsError { return error }
  }

  private func fault(_ header: String, data: Int = 4) throws -> HeaderFault? {
    guard case .malformedHeader(file, let fault) = try error(header, data: data) else { return nil }
    return fault
  }

  @Test func missingFileNamesTheFile() {
    let error = #expect(throws: FileError.self) {
      _ = try SafetensorsFile(opening: "/nowhere/a.safetensors")
    }
    #expect(error == .cannotOpen(file: "/nowhere/a.safetensors", reason: .noSuchFileOrDirectory))
    #expect(error?.failureKind == .inputMissing)
  }

  @Test func tensorsComeInTheOrderOfTheHeader() throws {
    let header =
      #"{"z":{"dtype":"U8","shape":[3],"data_offsets":[1,4]},"__metadata__":{"b":"2","a":"1"},"#
      + #""a":{"data_offsets":[0,1],"extra":[{"x":null}],"shape":[1,1],"dtype":"BOOL"}}"#
    try folder.write(fileBytes(header: header, dataCount: 4), to: "x.safetensors")
    let opened = try SafetensorsFile(opening: file)
    #expect(opened.tensors.map(\.name) == ["z", "a"])
    #expect(opened.tensors.map(\.shape) == [[3], [1, 1]])
    #expect(opened.tensors.map(\.dtype) == [.u8, .bool])
    #expect(opened.tensors.map(\.fileOffset) == [8 + header.utf8.count + 1, 8 + header.utf8.count])
    #expect(opened.metadata.map(\.key) == ["b", "a"])
    #expect(opened.headerByteCount == header.utf8.count)
    #expect(opened.byteCount == 8 + header.utf8.count + 4)
    #expect(try opened.tensor(named: "a").byteCount == 1)
    #expect(throws: TensorError.missingTensor(file: file, tensor: "b")) {
      _ = try opened.tensor(named: "b")
    }
  }

  @Test func namesAreComparedAsBytes() throws {
    let path = HostileFileTests.folder.appending("safetensors/name_nfc_nfd.safetensors")
    let opened = try SafetensorsFile(opening: path)
    #expect(opened.tensors.count == 2)
    for tensor in opened.tensors {
      let found = try opened.tensor(named: tensor.name)
      #expect(found.fileOffset == tensor.fileOffset)
    }
    #expect(opened.tensors[0].fileOffset != opened.tensors[1].fileOffset)
  }

  @Test func lengthsAreCheckedBeforeTheHeader() throws {
    try folder.write([], to: "x.safetensors")
    #expect(throws: SafetensorsError.tooShort(file: file, byteCount: 0)) {
      _ = try SafetensorsFile(opening: file)
    }
    try folder.write([2, 0, 0, 0, 0, 0, 0], to: "x.safetensors")
    #expect(throws: SafetensorsError.tooShort(file: file, byteCount: 7)) {
      _ = try SafetensorsFile(opening: file)
    }
    try folder.write([3, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D], to: "x.safetensors")
    #expect(throws: SafetensorsError.headerTruncated(file: file, declared: 3, available: 2)) {
      _ = try SafetensorsFile(opening: file)
    }
    try folder.write([0x01, 0xE1, 0xF5, 0x05, 0, 0, 0, 0, 0x7B, 0x7D], to: "x.safetensors")
    #expect(
      throws: SafetensorsError.headerTooLarge(file: file, declared: 100_000_001, limit: 100_000_000)
    ) { _ = try SafetensorsFile(opening: file) }
  }

  @Test func eachRuleOfAnEntryHasItsError() throws {
    let good = #""dtype":"F32","shape":[1],"data_offsets":[0,4]"#
    #expect(try fault("{\"w\":{\(good)},\"\\u0077\":{\(good)}}") == .duplicateTensor("w"))
    #expect(try fault(#"{"w":[]}"#) == .entryNotAnObject(tensor: "w"))
    #expect(try fault(#"{"w":null}"#) == .entryNotAnObject(tensor: "w"))
    #expect(try fault(#"{"w":{}}"#) == .missingField(tensor: "w", field: .dtype))
    #expect(try fault(#"{"w":{"dtype":"F32"}}"#) == .missingField(tensor: "w", field: .shape))
    #expect(
      try fault(#"{"w":{"dtype":"F32","shape":[1]}}"#)
        == .missingField(tensor: "w", field: .dataOffsets))
    for field in [HeaderFault.Field.dtype, .shape, .dataOffsets] {
      let fields =
        good + ","
        + (good.split(separator: ",\"").first { $0.contains(field.rawValue) }
          .map { ($0.hasPrefix("\"") ? "" : "\"") + $0 } ?? "")
      #expect(try fault("{\"w\":{\(fields)}}") == .duplicateField(tensor: "w", field: field))
    }
    #expect(
      try fault(#"{"w":{"dtype":"F3","shape":[1],"data_offsets":[0,4]}}"#)
        == .unknownDType(tensor: "w", dtype: "F3"))
    #expect(
      try fault(#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#)
        == .offsetCount(tensor: "w"))
    #expect(
      try fault(#"{"w":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}"#)
        == .invalidField(
          tensor: "w", field: .shape,
          reason: JSONError(.expected("an integer that is not negative"), byte: 29)))
    #expect(
      try fault(#"{"w":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}"#)
        == .invalidField(
          tensor: "w", field: .shape, reason: JSONError(.numberOutOfRange, byte: 29)))
  }

  @Test func eachRuleOfMetadataHasItsError() throws {
    #expect(try error(#"{"__metadata__":null}"#, data: 0) == nil)
    #expect(try error(#"{"__metadata__":{}}"#, data: 0) == nil)
    #expect(try fault(#"{"__metadata__":[]}"#, data: 0) == .metadataNotAnObject)
    #expect(try fault(#"{"__metadata__":{"k":1}}"#, data: 0) == .metadataNotText(key: "k"))
    #expect(
      try fault(#"{"__metadata__":{"k":"1","\u006b":"2"}}"#, data: 0) == .duplicateMetadataKey("k"))
    #expect(
      try fault(#"{"__metadata__":{},"__meta\u0064ata__":null}"#, data: 0) == .duplicateMetadata)
  }

  @Test func eachRuleOfTheLayoutHasItsError() throws {
    func two(_ first: String, _ second: String, dtype: String = "U8", shape: String = "[2]")
      -> String
    {
      "{\"a\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(first)},"
        + "\"b\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(second)}}"
    }
    #expect(try error(two("[0,2]", "[2,4]")) == nil)
    #expect(try error(two("[2,4]", "[0,2]")) == nil)
    #expect(try fault(two("[0,2]", "[1,3]")) == .overlap(tensor: "b", begin: 1, expected: 2))
    #expect(try fault(two("[0,2]", "[3,5]")) == .hole(tensor: "b", begin: 3, expected: 2))
    #expect(try fault(two("[1,3]", "[3,5]")) == .hole(tensor: "a", begin: 1, expected: 0))
    #expect(
      try fault(two("[0,2]", "[2,1]")) == .reversedOffsets(tensor: "b", begin: 2, end: 1))
    #expect(
      try fault(two("[0,2]", "[2,5]")) == .sizeMismatch(tensor: "b", expected: 2, found: 3))
    #expect(
      try fault(two("[0,2]", "[2,4]", shape: "[4611686018427387904,4]"))
        == .sizeOverflow(tensor: "a", shape: [1 << 62, 4]))
    #expect(
      try fault(two("[0,2]", "[2,4]", dtype: "F6_E2M3", shape: "[3]")) == .partialByte(tensor: "a"))
    // No elements take no bytes, however large the other sizes are.
    #expect(try error(two("[0,0]", "[0,0]", shape: "[4611686018427387904,0]"), data: 0) == nil)
    let header = two("[0,2]", "[2,4]")
    let byteCount = 8 + header.utf8.count + 4
    #expect(
      try error(header, data: 3)
        == .truncated(file: file, expected: byteCount, found: byteCount - 1))
    #expect(try error(header, data: 5) == .trailingBytes(file: file, count: 1))
  }

  @Test(
    arguments: [
      ("{}  ", nil), (" \t\r\n{}", nil), ("{} {}", .trailingText), ("{},", .trailingText),
      ("{\"a\"}", .expected("':'")), ("{\"a\":1,}", nil), ("{'a':1}", .expected("a string")),
      ("{\"a\u{0}\":1}", .controlCharacter), ("{\"\\ud800\":1}", .loneSurrogate),
      ("{\"\\ud800\\u0041\":1}", .loneSurrogate), ("{\"\\u00g0\":1}", .invalidEscape),
      ("{\"\\u00", .endsEarly), ("\u{FEFF}{}", .expected("'{'")),
    ] as [(String, JSONError.Fault?)])
  func jsonIsStrict(header: String, expected: JSONError.Fault?) throws {
    guard let expected else {
      // White space is no fault; the one with a number fails by another rule.
      let fault = try fault(header, data: 0)
      #expect(fault == (header.contains("a") ? .entryNotAnObject(tensor: "a") : nil))
      return
    }
    guard case .json(let error) = try fault(header, data: 0) else {
      Issue.record("accepted")
      return
    }
    #expect(error.fault == expected)
  }

  @Test(
    arguments: [
      ("1", true), ("-0.5e+10", true), ("1e999", false), ("01", false), ("+1", false),
      (".5", false),
      ("1.", false), ("NaN", false), ("nul", false), ("\"\\ud800\"", false), ("[1 2]", false),
      ("{\"k\":1,\"k\":2}", true), ("{}", true), ("[[],{}]", true), ("{\"a\":[}", false),
    ])
  func unknownFieldsMustBeJSONToo(value: String, isAccepted: Bool) throws {
    let header = "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"x\":\(value),\"data_offsets\":[0,4]}}"
    #expect((try error(header) == nil) == isAccepted)
  }

  @Test(arguments: [(125, true), (126, false)])
  func nestingIsLimitedAsInTheOfficialReader(depth: Int, isAccepted: Bool) throws {
    let value = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    let header = "{\"w\":{\"x\":\(value),\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"
    #expect((try error(header) == nil) == isAccepted)
  }

  @Test func whatIsNoRegularFileIsRefusedAtOnce() throws {
    let pipe = try folder.makePipe("pipe.safetensors")
    #expect(throws: FileError.notARegularFile(file: pipe, kind: .pipe)) {
      _ = try SafetensorsFile(opening: pipe)
    }
    let zero = try folder.link("zero.safetensors", to: "/dev/zero")
    #expect(throws: FileError.notARegularFile(file: zero, kind: .device)) {
      _ = try SafetensorsFile(opening: zero)
    }
    #expect(throws: FileError.notARegularFile(file: folder.path, kind: .folder)) {
      _ = try SafetensorsFile(opening: folder.path)
    }
  }

  @Test(
    arguments: [
      (Array("<!DOCTYPE html><html>".utf8), .html), (Array("\n <html>".utf8), .html),
      (Array("version https://git-lfs.github.com/spec/v1\noid".utf8), .gitLFSPointer),
      ([0x50, 0x4B, 3, 4, 0x14, 0, 0, 0, 8, 0], .zip), ([0x80, 2, 0x7D, 0x71, 0, 0x2E], .pickle),
      (Array("GGUF\u{3}\0\0\0\0\0".utf8), .gguf), ([0x28, 0xB5, 0x2F, 0xFD, 4, 0, 1, 0, 0], .zstd),
      ([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3], .gzip), (Array("{\"weight_map\": {}}".utf8), .json),
      ([UInt8](repeating: 0, count: 100), .zeros),
      ([0x93] + Array("NUMPY\u{1}\0v\0{'descr'".utf8), .numpy),
      ([0x89] + Array("HDF\r\n\u{1A}\n\0\0".utf8), .hdf5),
      (Array("SQLite format 3\0".utf8), .sqlite), ([0xFF, 0xD8, 0xFF, 0xE0, 0, 16], .picture),
      ([0x89] + Array("PNG\r\n\u{1A}\n\0\0\0\rIHDR".utf8), .picture),
      (Array("Entry not found".utf8), .text), (torchArchive(), .torchZip),
      (torchArchive(entry: "notes/data.txt"), .zip),
      (Array("RIFF\u{24}\0\0\0WEBPVP8 ".utf8), .webp), (Array("GIF89a\u{1}\0\u{1}\0".utf8), .gif),
      (joined(Array("BM".utf8), bmp, .init(repeating: 1, count: 52)), .bmp),
      (Array("\0\0\0 ftypavif\0\0\0\0".utf8), .isoMedia), (Array("%PDF-1.7\n%".utf8), .pdf),
      ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C, 0, 4, 0], .otherArchive),
      (Array("[network]\nrank = 16\n".utf8), .text), (Array("{{ template }}\n".utf8), .text),
      (Array("[1, 2, 3]\n".utf8), .json),
      (Array("II*\0\u{8}\0\0\0\0\0".utf8), .tiff),
      (
        joined(
          Array("notes.txt".utf8), .init(repeating: 0, count: 248), Array("ustar\0".utf8),
          .init(repeating: 0, count: 249)), .tar
      ),
      (
        joined(
          [0x0A, 14, 0x0A, 5], Array("<pad>".utf8), [0x15, 0, 0, 0, 0, 0x18, 3, 0x0A, 11]),
        .sentencePiece
      ),
    ] as [([UInt8], ForeignFormat)])
  func otherFormatsAreNamed(bytes: [UInt8], format: ForeignFormat) throws {
    try folder.write(bytes, to: "x.safetensors")
    #expect(throws: SafetensorsError.notSafetensors(file: file, format: format)) {
      _ = try SafetensorsFile(opening: file)
    }
  }

  @Test func headerOf640BytesIsNoPickle() throws {
    // 640 is 80 02 in the length word, a pickle's first bytes.
    let header = "{\"w\":1}" + String(repeating: " ", count: 633)
    #expect(try fault(header) == .entryNotAnObject(tensor: "w"))
  }

  @Test func mappingThatIsTruncatedEndsTheProcessWithAMessage() async throws {
    let values = [Float](repeating: 1, count: 100_000)
    try writeSafetensors(
      [TensorView(name: "w", shape: [100_000], values)], to: file, overwrite: false)
    let result = await #expect(
      processExitsWith: .exitCode(74), observing: [\.standardErrorContent]
    ) { [path = file.string as String] in
      MappedFile.installTruncationHandler("glance-test: ")
      let opened = try SafetensorsFile(opening: FilePath(path))
      let output = try AtomicFile(creating: FilePath(path + ".out"), overwrite: false)
      try FileDescriptor.open(FilePath(path), .readWrite).resize(to: 5000)
      _ = opened.tensors[0].floats()
      withExtendedLifetime(output) {}
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(
      message.contains("glance-test: \(file): another program truncated the file"), "\(message)")
    #expect(folder.entries == ["x.safetensors"])
  }
}

/// A file with that header, without padding, and as many data bytes.
func fileBytes(header: String, dataCount: Int) -> [UInt8] {
  let text = Array(header.utf8)
  let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
  return length + text + (0..<dataCount).map { UInt8(truncatingIfNeeded: $0) }
}

/// A BMP's first bytes after its letters: sizes and offsets of its two headers.
private let bmp: [UInt8] = [70, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0]

private func joined(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap(\.self) }
