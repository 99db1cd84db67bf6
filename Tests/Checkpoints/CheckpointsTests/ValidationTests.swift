import Checkpoints
import Elements
import Tensors
import Testing

@Suite("Validating a checkpoint's tensors")
struct ValidationTests {
  let tensors = SyntheticCheckpoint.qwenImage(blocks: 3)

  private func problems(_ change: (inout [TensorDescription]) -> Void) -> [CheckpointProblem] {
    var changed = tensors
    change(&changed)
    return CheckpointDescription(tensors: changed).problems
  }

  private func position(of name: String, in tensors: [TensorDescription]) -> Int {
    tensors.firstIndex { $0.name == name } ?? -1
  }

  @Test func aMissingTensorIsNamedWithItsShape() {
    let name = "transformer_blocks.1.attn.to_v.bias"
    let found = problems { $0.remove(at: position(of: name, in: $0)) }
    #expect(found == [.missing(tensor: name, shape: [3072])])
    #expect(found.first?.description == "tensor '\(name)' [3072] is missing")
  }

  @Test func anUnexpectedTensorIsNamed() {
    let found = problems {
      $0.append(TensorDescription(name: "transformer_blocks.2.extra", dtype: .bf16, shape: [7]))
    }
    #expect(found == [.unexpected(tensor: "transformer_blocks.2.extra", shape: [7])])
  }

  @Test func aWrongShapeStatesBoth() {
    let name = "transformer_blocks.2.img_mlp.net.2.weight"
    let found = problems {
      $0[position(of: name, in: $0)] = TensorDescription(
        name: name, dtype: .bf16, shape: [3072, 3072])
    }
    #expect(
      found == [.wrongShape(tensor: name, expected: [3072, 12288], found: [3072, 3072])])
    #expect(
      found.first?.description == "tensor '\(name)': shape [3072, 3072], expected [3072, 12288]")
  }

  @Test func integersAreNoWeights() {
    let found = problems {
      $0[position(of: "img_in.bias", in: $0)] = TensorDescription(
        name: "img_in.bias", dtype: .i8, shape: [3072])
    }
    #expect(found == [.wrongType(tensor: "img_in.bias", dtype: .i8)])
  }

  @Test func aGapInTheBlocksIsOneProblem() {
    let found = problems { $0.removeAll { $0.name.hasPrefix("transformer_blocks.1.") } }
    #expect(found == [.missingBlocks(path: "transformer_blocks", missing: [1], highest: 2)])
  }

  @Test(
    "block numbers are plain decimal",
    arguments: ["-1", "01", "1000000000000000000000", "+1", "２"])
  func blockNumbers(text: String) {
    let name = "transformer_blocks.\(text).attn.to_q.bias"
    let found = problems {
      $0.append(TensorDescription(name: name, dtype: .bf16, shape: [3072]))
    }
    #expect(found == [.unexpected(tensor: name, shape: [3072])])
  }

  @Test func namesAreComparedAsBytes() {
    // U+00E9 and e + U+0301 are equal as Swift strings.
    let found = problems {
      $0.append(TensorDescription(name: "caf\u{E9}", dtype: .bf16, shape: [1]))
      $0.append(TensorDescription(name: "cafe\u{301}", dtype: .bf16, shape: [2]))
    }
    #expect(found.count == 2)
  }

  @Test func scaledFP8KeepsItsScales() {
    let scaled = tensors.flatMap { tensor -> [TensorDescription] in
      guard tensor.shape.count == 2 else { return [tensor] }
      return [
        TensorDescription(name: tensor.name, dtype: .f8E4M3, shape: tensor.shape),
        TensorDescription(
          name: tensor.name.dropLast("weight".count) + "scale_weight", dtype: .f32, shape: []),
      ]
    }
    let found = CheckpointDescription(
      tensors: scaled + [TensorDescription(name: "scaled_fp8", dtype: .f8E4M3, shape: [0])])
    #expect(found.problems == [])
    #expect(found.storage == "ComfyUI scaled fp8, generation 1")
  }

  @Test func packedStorageIsNamed() {
    let found = CheckpointDescription(
      tensors: tensors + [
        TensorDescription(
          name: "transformer_blocks.0.attn.to_q.weight.quant_state.bitsandbytes__nf4",
          dtype: .u8, shape: [80])
      ])
    #expect(found.problems == [])
    #expect(found.storage == "bitsandbytes NF4")
    #expect(found.weights.unreadForms().count == 1)
  }
}
