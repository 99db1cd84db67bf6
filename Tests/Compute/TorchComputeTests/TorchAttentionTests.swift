import Compute
import ModelTestSupport
import TestSupport
import Testing
import TorchCompute

@Suite("Attention of PyTorch's engine agrees with the host's", FoundTorch.isThere)
struct TorchAttentionTests {
  private let host = HostEngine(products: ProductSettings())

  private func results(_ engine: any Engine, _ form: AttentionForm, keys: Int = 91) -> [Tensor] {
    let width = form.heads * 24
    let (q, dOut) = (numbers([70, width], 0), numbers([70, width], 1))
    let wide = form.keyValueHeads * 24
    let (k, v) = (numbers([keys, wide], 2), numbers([keys, wide], 3))
    let gradients = engine.attentionBackward(q, k, v, form, gradient: dOut)
    return [engine.attention(q, k, v, form), gradients.q, gradients.k, gradients.v]
  }

  /// Flash attention and tiles; scores up to 20 apart are rounded before their exponential.
  @Test("in float32", arguments: [false, true])
  func float32(tilesAttention: Bool) throws {
    let form = AttentionForm(heads: 3, scale: 0.2)
    let found = results(try FoundTorch.engine(tilesAttention: tilesAttention), form)
    for (found, expected) in zip(found, results(host, form)) {
      #expect(relativeError(found.floats, expected.floats) <= 1e-5)
    }
  }

  /// Operands, weights, gradients and results are rounded, each off by 2^-9 at most; a gradient is a difference of
  /// such numbers.
  @Test("in bfloat16", arguments: [false, true])
  func bfloat16(tilesAttention: Bool) throws {
    let form = AttentionForm(heads: 3, scale: 0.2)
    let found = results(try FoundTorch.engine(.bfloat16, tilesAttention: tilesAttention), form)
    for (found, expected) in zip(found, results(host, form)) {
      #expect(relativeError(found.floats, expected.floats) <= 0.015)
    }
  }

  /// Scores as above; gradients of these forms, which no transformer has, are computed by the host.
  @Test("in forms of text encoders", arguments: [false, true])
  func otherForms(tilesAttention: Bool) throws {
    let engine = try FoundTorch.engine(tilesAttention: tilesAttention)
    for form in [
      AttentionForm(heads: 4, keyValueHeads: 2, scale: 0.2),
      AttentionForm(heads: 2, scale: 0.2, isCausal: true),
      AttentionForm(heads: 2, scale: 0.2, relativeBias: numbers([2, 2 * 70 - 1], 4)),
      AttentionForm(
        heads: 4, keyValueHeads: 2, scale: 0.2, isCausal: true,
        relativeBias: numbers([4, 2 * 70 - 1], 5)),
    ] {
      let (found, expected) = (
        results(engine, form, keys: 70), results(host, form, keys: 70)
      )
      #expect(found[0].onDevice != nil)
      #expect(relativeError(found[0].floats, expected[0].floats) <= 1e-5)
      #expect(Array(found[1...]) == Array(expected[1...]))
    }
  }

  /// The dispatcher refuses the processor's tensors for want of a kernel after it has read all arguments. PyTorch
  /// before 2.13 tells why on standard error alone.
  @Test(
    "on CUDA is called with arguments that its operations take", FoundTorch.isThere,
    .enabled(if: (try? FoundTorch.loaded().tellsReasons) ?? false, "of PyTorch from 2.13 on"))
  func cuda() throws {
    #expect(try FoundTorch.loaded().cudaCallsThatTakeTheirArguments() == 2)
  }
}
