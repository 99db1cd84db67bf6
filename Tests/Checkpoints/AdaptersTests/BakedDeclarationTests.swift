import Adapters
import Testing

@Suite("What a baked checkpoint declares")
struct BakedDeclarationTests {
  private func metadata(_ change: (inout GlanceMetadata) -> Void = { _ in }) -> GlanceMetadata {
    var metadata = GlanceMetadata()
    metadata.family = "flux1"
    metadata.phase = "slow"
    metadata.sigmas = "1.0,0.9|0.5"
    metadata.cfg = 1
    metadata.guidance = 3.5
    metadata.steps = 60
    metadata.seed = 7
    metadata.settings = "{}"
    change(&metadata)
    return metadata
  }

  private func texts(
    _ adapters: [(phase: String?, metadata: GlanceMetadata)],
    base: GlanceMetadata = GlanceMetadata()
  ) -> [String] {
    BakedDeclaration(adapters: adapters, base: base).pairs.map { "\($0.key)=\($0.value)" }
  }

  private let kept = [
    "glance.family=flux1", "glance.phase=slow", "glance.sigmas=1.0,0.9|0.5", "glance.cfg=1.0",
    "glance.guidance=3.5",
  ]

  @Test("is its adapters' phase and schedule, and nothing of their training")
  func one() {
    #expect(texts([("slow", metadata())]) == kept)
    #expect(
      texts([("fast", metadata())])
        == kept.map { $0 == "glance.phase=slow" ? "glance.phase=fast" : $0 })
    #expect(texts([("slow", GlanceMetadata())]) == ["glance.phase=slow"])
    #expect(texts([(nil, GlanceMetadata())]) == [])
  }

  @Test("is that of the one with a schedule beside a style, and where several agree")
  func several() {
    #expect(texts([("slow", metadata()), (nil, GlanceMetadata())]) == kept)
    #expect(
      texts([("slow", metadata()), ("slow", metadata { $0.guidance = 2 })])
        == kept.filter { $0 != "glance.guidance=3.5" })
    #expect(
      texts([("slow", metadata()), ("slow", metadata { $0.sigmas = "1.0|0.5" })])
        == ["glance.phase=slow"])
  }

  @Test("is the base's where adapters serve every phase, or its own without saying more")
  func onABakedBase() {
    let base = metadata { $0.sigmas = "1.0,0.8|0.5" }
    let own = kept.map { $0 == "glance.sigmas=1.0,0.9|0.5" ? "glance.sigmas=1.0,0.8|0.5" : $0 }
    #expect(texts([(nil, GlanceMetadata())], base: base) == own)
    #expect(texts([("slow", GlanceMetadata())], base: base) == own)
    #expect(texts([("slow", metadata())], base: base) == kept)
    #expect(texts([("fast", GlanceMetadata())], base: base) == ["glance.phase=fast"])
  }
}
