# Objects of the sources that a Makefile below native/ names, its own and those of its neighbours.
# Expects CXX, FLAGS and SOURCES; gives OBJECTS, and how each is made in build/.
# Their headers are tracked by `-include $(OBJECTS:.o=.d)` at the end of the Makefile.
OBJECTS := $(patsubst ../%,build/%,$(patsubst %.cc,build/%.o,$(SOURCES:../%.cc=%.cc)))

build/%.o: %.cc
	@mkdir -p $(dir $@)
	$(CXX) $(FLAGS) -c $< -o $@

build/%.o: ../%.cc
	@mkdir -p $(dir $@)
	$(CXX) $(FLAGS) -c $< -o $@
