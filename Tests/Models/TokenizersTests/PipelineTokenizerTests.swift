import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite("The tokenizers of the small pipelines, against recorded ids")
struct PipelineTokenizerTests {
  @Test func fluxCaptions() throws {
    let captions = try captions("flux")
    let recorded = try Goldens.open("flux", "text.safetensors")
    let clip = try CLIPTokenizer(folder: Fixtures.model("tiny-flux").appending("tokenizer"))
    let t5 = try T5Tokenizer(folder: Fixtures.model("tiny-flux").appending("tokenizer_2"))
    try expect(captions, in: "clip_ids", of: recorded, encodedBy: clip)
    try expect(captions, in: "t5_ids", of: recorded, encodedBy: t5)
    try expect(Array(captions.prefix(1)), in: "t5_ids_512", of: recorded, encodedBy: t5)
  }

  @Test func qwenCaptions() throws {
    let captions = try captions("qwen")
    let recorded = try Goldens.open("qwen", "text.safetensors")
    let template = try RecordedTexts(Fixtures.tokenizer("goldens.json"))
    let qwen = try Qwen2Tokenizer(folder: Fixtures.model("tiny-qwen-image").appending("tokenizer"))
    try expect(
      captions.map(template.framed), in: "ids", of: recorded, encodedBy: qwen,
      mask: integers(recorded, "attention_mask").elements)
    // The part of the template in front of the text, which the pipeline drops again.
    let prefix = template.framed("\0").prefix { $0 != "\0" }
    #expect(qwen.encode(String(prefix)).tokenCount == 34)
  }

  @Test("gives the same ids from tokenizer.json and from spiece.model")
  func bothFilesOfT5() throws {
    let folder = Fixtures.model("tiny-flux").appending("tokenizer_2")
    let other = try TemporaryFolder()
    for name in ["spiece.model", "tokenizer_config.json"] {
      try other.write(contents(of: folder.appending(name)), to: name)
    }
    let first = try T5Tokenizer(folder: folder)
    let second = try T5Tokenizer(folder: other.path)
    #expect(first.idBound == 410)
    #expect(second.idBound == first.idBound)
    #expect(second.modelMaximumLength == first.modelMaximumLength)
    for name in ["goldens.json", "awkward.json"] {
      for recorded in try RecordedTexts(Fixtures.tokenizer(name)).cases {
        #expect(
          first.encode(recorded.text) == second.encode(recorded.text), "\(escaped(recorded.text))")
      }
    }
  }

  @Test func propertiesComeFromTheFiles() throws {
    let clip = try CLIPTokenizer(folder: Fixtures.model("tiny-flux").appending("tokenizer"))
    #expect(clip.leadingIDs == [813] && clip.trailingIDs == [814] && clip.paddingID == 814)
    #expect(clip.modelMaximumLength == 77 && clip.idBound == 815)
    let t5 = try T5Tokenizer(folder: Fixtures.model("tiny-flux").appending("tokenizer_2"))
    #expect(t5.leadingIDs == [] && t5.trailingIDs == [1] && t5.paddingID == 0)
    #expect(t5.modelMaximumLength == 24)
    let qwen = try Qwen2Tokenizer(folder: Fixtures.model("tiny-qwen-image").appending("tokenizer"))
    #expect(qwen.leadingIDs == [] && qwen.trailingIDs == [] && qwen.paddingID == 630)
    #expect(qwen.modelMaximumLength == 131072 && qwen.idBound == 644)
  }

  private func captions(_ family: String) throws -> [String] {
    let bytes = try contents(of: Goldens.folder(family).appending("captions.json"))
    let captions = try unsafe JSONValue(parsing: bytes.span.bytes)["captions"]?.array
    return try #require(captions).map { try #require($0.string) }
  }

  private func integers(
    _ file: SafetensorsFile, _ name: String
  ) throws -> (shape: [Int], elements: [Int32]) {
    let tensor = try file.tensor(named: name)
    let bytes = tensor.bytes
    try #require(tensor.byteCount == tensor.elementCount * 4)
    return (
      tensor.shape,
      (0..<tensor.elementCount).map {
        unsafe bytes.unsafeLoadUnaligned(fromByteOffset: $0 * 4, as: Int32.self)
      }
    )
  }

  /// Expects texts, padded to the width of a recorded tensor, to be its rows.
  private func expect(
    _ texts: [String], in name: String, of file: SafetensorsFile,
    encodedBy tokenizer: some Tokenizer, mask: [Int32]? = nil
  ) throws {
    let (shape, elements) = try integers(file, name)
    try #require(shape.count == 2 && shape[0] == texts.count)
    for (row, text) in texts.enumerated() {
      let found = tokenizer.encode(text, maximumLength: shape[1], padding: true)
      let range = row * shape[1]..<(row + 1) * shape[1]
      #expect(found.ids == Array(elements[range]), "\(name), row \(row)")
      if let mask { #expect(found.mask == Array(mask[range]), "mask, row \(row)") }
    }
  }
}
