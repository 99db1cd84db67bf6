import Checkpoints
import Elements
import Files
import Pipelines
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Whole pipelines at full size, of zeros, which take no space.
@Suite("synthesize-checkpoint --pipeline")
struct PipelineCommandTests {
  /// What the publishers' files have.
  struct Part: Sendable {
    let folder: String
    let tensors: Int
    let byteCount: Int
    let files: Int
  }

  struct Case: Sendable {
    let family: String
    let parts: [Part]
    /// Sizes of published files in which names and order decide, too.
    let fileSizes: [String: Int]
    let shapes: [String: [String: [Int]]]
  }

  static let cases = [
    Case(
      family: "flux1",
      parts: [
        Part(folder: "transformer", tensors: 1160, byteCount: 23_802_816_640, files: 3),
        Part(folder: "text_encoder", tensors: 196, byteCount: 246_120_960, files: 1),
        Part(folder: "text_encoder_2", tensors: 219, byteCount: 9_524_621_312, files: 2),
        Part(folder: "vae", tensors: 244, byteCount: 167_639_366, files: 1),
      ],
      fileSizes: [
        "text_encoder/model.safetensors": 246_144_352,
        "text_encoder_2/model-00002-of-00002.safetensors": 4_530_066_360,
      ],
      shapes: [
        "text_encoder": [
          "text_model.encoder.layers.11.mlp.fc1.weight": [3072, 768],
          "text_model.embeddings.position_embedding.weight": [77, 768],
        ],
        "text_encoder_2": [
          "shared.weight": [32128, 4096],
          "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight": [32, 64],
          "encoder.block.23.layer.1.DenseReluDense.wo.weight": [4096, 10240],
        ],
        "vae": [
          "decoder.up_blocks.2.resnets.0.conv_shortcut.weight": [256, 512, 1, 1],
          "encoder.mid_block.attentions.0.to_out.0.bias": [512],
        ],
      ]),
    Case(
      family: "qwen-image",
      parts: [
        Part(folder: "transformer", tensors: 1933, byteCount: 40_860_802_176, files: 9),
        Part(folder: "text_encoder", tensors: 729, byteCount: 16_584_333_312, files: 4),
        Part(folder: "vae", tensors: 194, byteCount: 253_785_062, files: 1),
      ],
      fileSizes: [:],
      shapes: [
        "text_encoder": [
          "model.layers.27.self_attn.k_proj.weight": [512, 3584],
          "lm_head.weight": [152064, 3584],
          "visual.blocks.31.mlp.gate_proj.bias": [3420],
          "visual.merger.mlp.0.weight": [5120, 5120],
        ],
        "vae": [
          "encoder.down_blocks.5.time_conv.weight": [192, 192, 3, 1, 1],
          "decoder.up_blocks.1.resnets.0.conv1.weight": [384, 192, 3, 3, 3],
          "decoder.mid_block.attentions.0.norm.gamma": [384, 1, 1],
        ],
      ]),
  ]

  private let command = BuiltCommand("synthesize-checkpoint")
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("writes the published files, which open as a pipeline", arguments: cases)
  func whole(_ expected: Case) throws {
    let path = folder.path.appending("pipeline")
    let outcome = try command.run([
      "--family", expected.family, "--pipeline", "--fill", "zeros", "--output", path.string,
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    for part in expected.parts {
      let source = try TensorSource(opening: path.appending(part.folder))
      #expect(source.tensors.count == part.tensors)
      #expect(source.byteCount == part.byteCount)
      #expect(source.files.count == part.files)
      #expect(source.tensors.allSatisfy { $0.dtype == .bf16 })
      for (name, shape) in expected.shapes[part.folder] ?? [:] {
        #expect(source.tensors.first { $0.name == name }?.shape == shape, "\(name)")
      }
    }
    for (name, size) in expected.fileSizes {
      #expect(path.appending(name).byteCount == size, "\(name)")
    }
    let pipeline = try DiffusionPipeline(opening: path)
    let transformer = try pipeline.openTransformer().transformer
    _ = try pipeline.openAutoencoder(for: transformer)
    _ = try pipeline.openCaptionEncoder(for: transformer)
  }

  @Test("says what it takes and writes nothing in a dry run")
  func plan() throws {
    let outcome = try command.run([
      "--family", "flux1", "--pipeline", "--blocks", "1,1", "--encoder-layers", "3,2",
      "--dry-run", "--output", folder.path.appending("x").string,
    ])
    #expect(outcome.status == 0)
    for line in [
      "text_encoder: 52 tensors, 118,539,264 bytes",
      "text_encoder_2: 21 tensors, 1,034,989,568 bytes",
    ] {
      #expect(outcome.errors.contains(line), "\(outcome.errors)")
    }
    #expect(folder.entries == [])
  }
}
