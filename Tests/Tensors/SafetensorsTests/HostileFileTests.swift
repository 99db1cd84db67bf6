import Failures
import Files
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// The files of `Tests/Fixtures/hostile`: made for this project, with verdicts that were compared
/// with the official reader's (safetensors 0.8.0; for sharded ones huggingface_hub 2.4.0).
@Suite("Files that must be refused or accepted")
struct HostileFileTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let file: String
    let isAccepted: Bool
    let what: String
    let says: String
    var testDescription: String { "\(file): \(what)" }
  }

  static let folder = Fixtures.folder.appending("hostile")

  static let cases: [Case] = {
    guard let bytes = try? contents(of: folder.appending("containers.json")),
      let document = try? unsafe JSONValue(parsing: bytes.span.bytes)
    else { return [] }
    return (document["cases"]?.array ?? []).map {
      Case(
        file: $0["file"]?.string ?? "", isAccepted: $0["must"]?.string == "accept",
        what: $0["what"]?.string ?? "", says: $0["says"]?.string ?? "")
    }
  }()

  @Test func everyCaseIsThere() {
    #expect(HostileFileTests.cases.count == 125)
  }

  @Test(arguments: cases)
  func verdict(hostile: Case) throws {
    let copy = try TemporaryFolder()
    let path = try HostileFileTests.prepare(hostile.file, in: copy)
    do {
      let source = try TensorSource(opening: path)
      #expect(hostile.isAccepted)
      for tensor in source.tensors { HostileFileTests.touch(tensor) }
    } catch let error as any ClassifiedError {
      #expect(!hostile.isAccepted, "\(error)")
      #expect("\(error)".contains(hostile.says), "\(error)")
      #expect("\(error)".contains(path.removingLastComponent().string))
      #expect(error.failureKind == .wrongData)
      #expect(!"\(error)".contains("\n"))
    }
  }

  /// The case's path; those that git can't keep are made in a folder of the test.
  private static func prepare(_ file: String, in copy: TemporaryFolder) throws -> FilePath {
    let path = folder.appending(file)
    let shard = "model-00002-of-00002.safetensors"
    switch path.removingLastComponent().lastComponent?.string {
    case "missing_shard_is_dir": try copy.makeFolder(shard)
    case "traverse_symlink":
      try copy.link(shard, to: folder.appending("sharded/ok_two_shards").appending(shard).string)
    default: return path
    }
    for name in ["model.safetensors.index.json", "model-00001-of-00002.safetensors"] {
      try copy.write(try contents(of: path.removingLastComponent().appending(name)), to: name)
    }
    return copy.path.appending("model.safetensors.index.json")
  }

  /// Reads every byte, so that a range outside the mapping would show.
  private static func touch(_ tensor: TensorView) {
    let bytes = tensor.bytes
    var sum: UInt8 = 0
    for offset in bytes.byteOffsets {
      sum &+= unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
    #expect(bytes.byteCount == tensor.byteCount, "\(sum)")
  }

  @Test(
    "each names its rule",
    arguments: [
      ("len_7_bytes", "too short"), ("len_8_bytes_two", "header length 2"),
      ("len_past_end_by_1", "header length"), ("len_i64_min", "header length"),
      ("len_100MB_exact", "header length 100000000"), ("json_nothing", "begins with zeros"),
      ("json_spaces_only", "JSON ends early"), ("json_top_array", "expected '{'"),
      ("json_truncated_string", "JSON ends early"), ("json_utf16_bom", "invalid UTF-8"),
      ("json_leading_comma", "expected a string"), ("json_nested_20000", "must be an object"),
      ("json_extra_nested_200", "nested deeper"), ("json_entry_sequence", "must be an object"),
      ("json_entry_empty", "no dtype"), ("json_dup_field_same", "dtype given twice"),
      ("json_dup_name_same", "two tensors named 'w'"),
      ("json_dup_name_escaped", "two tensors named 'w'"),
      ("json_dup_metadata_diff", "__metadata__ given twice"),
      ("num_off_float", "data_offsets: invalid JSON: expected an integer"),
      ("num_off_neg_both", "not negative"), ("num_off_3elem", "two numbers"),
      ("num_off_5000_digits", "out of range"),
      ("num_shape_2e64", "shape: invalid JSON: number out"),
      ("num_shape_null", "shape: invalid JSON: expected '['"),
      ("dtype_q4_0", "unknown dtype 'Q4_0'"),
      ("dtype_array", "dtype: invalid JSON: expected a string"),
      ("off_overlap_full", "must not overlap"), ("off_hole_end", "1 bytes follow"),
      ("off_tail_4096", "4096 bytes follow"), ("off_u64_wrap_pair", "out of range"),
      ("shape_mismatch_small", "span 4 bytes, expected 8"),
      ("shape_bytes_overflow", "beyond 64 bits"), ("shape_mul_overflow_to_1", "out of range"),
      ("sub_f6_one", "whole bytes"), ("meta_number", "must be a string"),
      ("meta_is_string", "must be an object of strings"),
      ("name_raw_newline", "control character"), ("name_lone_low", "surrogate"),
      ("name_bad_escape", "unknown escape"), ("utf8_overlong_nul", "invalid UTF-8"),
      ("kind_html", "web page"), ("kind_zstd", "zstd"), ("kind_pickle_pt", "pickle"),
    ] as [(String, String)])
  func rule(name: String, reason: String) {
    let path = HostileFileTests.folder.appending("safetensors/\(name).safetensors")
    let error = #expect(throws: SafetensorsError.self) {
      _ = try SafetensorsFile(opening: path)
    }
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
  }
}
