import Adapters
import Elements
import SystemPackage
import Tensors
import TestSupport
import Testing
import Text

/// Keys, shapes, types and metadata that no program writes: reading must answer, whatever it is.
@Suite("An adapter with mutated keys")
struct MutatedAdapterTests {
  /// SplitMix64, so that a seed tells the whole case.
  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
  }

  private static let stems = [
    "transformer.transformer_blocks.0.attn.to_q", "lora_unet_double_blocks_0_img_attn_qkv",
    "lora_unet_single_blocks_3_linear1", "double_blocks.2.processor.qkv_lora1",
    "lora_te1_text_model_encoder_layers_0_mlp_fc1", "base_model.model.double_blocks.0.img_mod.lin",
    "text_encoders.t5xxl.transformer.encoder.block.1.layer.0.SelfAttention.q",
    "lora_unet_final_layer_linear", "transformer_blocks.0.img_mod.1", "",
  ]
  private static let endings = [
    ".lora_A.weight", ".lora_B.weight", ".lora_down.weight", ".lora_up.weight", ".alpha",
    ".lora_A.default.weight", ".lora_B.", "_lora.down.weight", ".down.weight", ".up.weight",
    ".diff", ".lora_A", ".weight", "",
  ]
  private static let pieces = [
    ".", "_", "-1", "0", "00", "99999999999999999999", "{n}", "é", "e\u{301}", "\u{0}", "🙂",
    "transformer.", "lora_unet_", "lora_A", ".lora_A.", "default", "^", "..",
  ]

  private func key(_ random: inout Generator) -> String {
    var text =
      Self.stems.randomElement(using: &random)! + Self.endings.randomElement(using: &random)!
    for _ in 0..<Int.random(in: 0...2, using: &random) {
      let offset = Int.random(in: 0...text.unicodeScalars.count, using: &random)
      let place = text.unicodeScalars.index(text.startIndex, offsetBy: offset)
      let (head, tail) = (text[..<place], text[place...])
      switch Int.random(in: 0...2, using: &random) {
      case 0: text = head + Self.pieces.randomElement(using: &random)! + tail
      case 1: text = String(head)
      default: text = head + String(tail.unicodeScalars.dropFirst(2))
      }
    }
    return text
  }

  private func tensor(_ name: String, _ random: inout Generator) -> TensorView {
    let sizes = [0, 1, 2, 3, 6, 12, 18]
    let axes = [2, 2, 2, 2, 0, 1, 3].randomElement(using: &random)!
    let shape = (0..<axes).map { _ in sizes.randomElement(using: &random)! }
    let dtype = [DType.f32, .f32, .f32, .bf16, .i8, .f8E4M3].randomElement(using: &random)!
    let count = shape.reduce(1, *) * dtype.bitCount / 8
    let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    return unsafe TensorView(
      name: name, dtype: dtype, shape: shape, copying: bytes.span.bytes)
  }

  private func metadata(_ random: inout Generator) -> Metadata {
    let values = [
      "", "{}", "[]", "{\"transformer.r\": 0, \"transformer.lora_alpha\": 1e308}",
      "{\"transformer.r\": 1e30}", "{\"transformer.rank_pattern\": {\"*\": 1}}",
      "{\"transformer.alpha_pattern\": {\"\\\\\": 1}, \"text_encoder.r\": -1}",
      "{\"transformer.use_dora\": true}",
      "{\"transformer.r\": 2, \"transformer.use_rslora\": true}",
    ]
    return Bool.random(using: &random)
      ? [] : [("lora_adapter_metadata", values.randomElement(using: &random)!)]
  }

  @Test("is read or refused, and never ends the program", arguments: 0..<20)
  func reading(seed: Int) throws {
    var random = Generator(state: UInt64(seed))
    var options = AdapterReadingOptions()
    let folder = try TemporaryFolder()
    for round in 0..<150 {
      let tensors = (0..<Int.random(in: 0...6, using: &random)).map { _ in
        tensor(key(&random), &random)
      }
      let file = InMemory.file(tensors, metadata: metadata(&random))
      options.isPartial.toggle()
      options.includesTextEncoders = round % 3 == 0
      _ = file.problems.map(\.description)
      guard let adapter = try? file.adapter(options) else { continue }
      // What is read can be written, or it is said why not.
      for dialect in Adapter.writableDialects {
        var writing = AdapterWritingOptions()
        writing.form = .dialect(dialect)
        writing.overwrite = true
        do {
          try adapter.write(to: folder.path.appending("x.safetensors"), writing)
        } catch {
          if case AdapterError.readBackDiffers = error {
            Issue.record("\(tensors.map(\.name)): \(error)")
          }
        }
      }
    }
  }

  @Test("whose pairs are sound is read or refused", arguments: 0..<20)
  func pairs(seed: Int) throws {
    var random = Generator(state: UInt64(1000 + seed))
    for _ in 0..<100 {
      let stem = key(&random)
      let rank = Int.random(in: 1...3, using: &random)
      let rows = [6, 12, 18, 24, 36, 42].randomElement(using: &random)!
      let file = InMemory.file(InMemory.pair(stem, rank: rank, outFeatures: rows))
      var options = AdapterReadingOptions()
      options.includesTextEncoders = true
      if let adapter = try? file.adapter(options) {
        let all = adapter.components.flatMap(\.modules)
        #expect(all.allSatisfy { $0.name.sameBytes(as: stem) })
        #expect(!all.isEmpty)
      }
    }
  }
}
